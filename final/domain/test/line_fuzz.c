/*
 * Fuzz target: the line editor, typed at with anything. After each key the row
 * shows the line, nothing was written outside of it, and the history fits into
 * its heap.
 */
#include "fuzz.h"

#include "domain/test/host_screen.h"

int heap[LINE_HEAP], heaplen = LINE_HEAP;

static struct line line;

void panic_process(const char *text)
{
	panic("in process: %s", text);
}

int readchar(void)
{
	return -ENODEV;
}

void write_text(const char *text, size_t length)
{
	require(length <= WRITE_MOST);
	for (size_t i = 0; i < length; i++)
		screen_putc(text[i]);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	for (uint i = 0; i < line.old_count; i++)
		free(line.old[i]);
	line = (struct line){.prompt = "sendint> "};
	screen_clear();
	line_start(&line);
	for (size_t i = 0; i < size; i++) {
		enum line_event event = line_key(&line, data[i]);

		fuzz_operations++;
		if (event == LINE_MORE) {
			require(screen_shows(&line));
			continue;
		}
		require(line.length < LINE_SIZE);
		require(strlen(line.text) == line.length);
		require(event != LINE_END || !line.length);
		require(screen_column == 0);
		line_start(&line);
	}
	return 0;
}

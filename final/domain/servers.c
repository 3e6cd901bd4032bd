/*
 * The receivers in Vellum itself that the reference names: what `> sendint`,
 * `sendint> free` reaches, and how a program asks for a panic.
 */
#include "console/panic.h"
#include "console/printf.h"
#include "domain/server.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/page.h"

/* Print the free memory to the log; the answer is the number of pages. */
static int free_memory(struct domain_thread *thread, int kind, int value,
		       struct server_buf *bufs, uint count)
{
	uint pages = num_of_available_pages();

	printf("free: %u pages, %lu KiB\n", pages, pages * PAGE_SIZE / KIB);
	return pages;
}
MSG_SERVER("free", free_memory);

/* Panic, with the text of the first buffer: words, each with a NUL behind. */
static int panic_on_request(struct domain_thread *thread, int kind, int value,
			    struct server_buf *bufs, uint count)
{
	char text[80];
	u32 length = 0;

	if (!(thread->rights & RIGHT_CHANGE))
		return -EPERM;
	if (count)
		length = MIN(bufs[0].length, sizeof(text) - 1);
	for (u32 i = 0; i < length; i++) {
		char c = ((const char *)bufs[0].base)[i];

		text[i] = c > ' ' && c <= '~' ? c : ' ';
	}
	while (length && text[length - 1] == ' ')
		length--;
	text[length] = '\0';
	panic("%s", length ? text : "a program asked for it");
}
MSG_SERVER("panic", panic_on_request);

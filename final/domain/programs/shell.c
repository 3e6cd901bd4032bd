/*
 * The shell: the one who talks to people, in a panic and for `vellumctl shell`.
 *
 * All that it does itself is to read lines. The first word of one is the name
 * of a program, which it runs, or of a command that looks into Vellum, which
 * Vellum runs for it. So a mistake in here, where lines are taken apart, can
 * damage nothing but a shell; and what somebody may not know is not in its
 * address space.
 * Book: chapter 12.
 */
#include "domain/user/entries.h"
#include "domain/user/line.h"
#include "domain/user/user.h"
#include "lib/words.h"

PROGRAM_HELP("", "another shell");

int heap[LINE_HEAP], heaplen = LINE_HEAP;

static struct line line;

/* A line in words, each with a NUL at its end, one behind the other. */
struct words {
	char text[LINE_SIZE];
	uint size, count;
};

static void split(struct words *w, const char *text)
{
	bool in_word = false;

	w->size = w->count = 0;
	do {
		if ((u8)*text > ' ') {
			w->text[w->size++] = *text;
			in_word = true;
		} else if (in_word) {
			w->text[w->size++] = '\0';
			w->count++;
			in_word = false;
		}
	} while (*text++);
}

/* Is @name nearer to what was typed than *@least? Then it is the nearest. At
 * least half of its letters must be right. */
static void compare(const char *typed, const char *name, uint *least,
		    char *nearest)
{
	uint distance = word_distance(typed, strlen(typed), name);

	if (distance >= *least || distance * 2 > strlen(name))
		return;
	*least = distance;
	copy_string(nearest, name, WORD_MAX + 1);
}

/* Nothing is called @typed: say so, and what is called nearly so. */
static void say_unknown(const char *typed)
{
	struct entry e = {0};
	char nearest[WORD_MAX + 1] = "";
	uint least = WORD_MAX + 1;

	compare(typed, "exit", &least, nearest);
	while (next_entry(&e))
		compare(typed, e.name, &least, nearest);
	if (*nearest)
		printf("%s: unknown; did you mean %s?\n", typed, nearest);
	else
		printf("%s: unknown; help lists what there is\n", typed);
}

/* Give the words behind the first to a program, and wait for its reply. */
static int run_program(int desc, struct words *w)
{
	uint first = strlen(w->text) + 1;
	struct msgbuf rest = {w->text + first, w->size - first, false};
	int result =
		rest.len ? msgsendbuf(desc, 0, &rest, 1) : msgsendint(desc, 0);

	msgclose(desc);
	return result;
}

/* Has a message not come to its receiver, for want of something? */
static bool is_shortage(int result)
{
	return result == -ENOMEM || result == -ENOSPC || result == -EBUSY;
}

/* No program could be started, because of @error: then it is a command. */
static int run_command(struct words *w, int error)
{
	int result = command(w->text, w->size);

	if (result != COMMAND_UNKNOWN)
		return result;
	if (is_shortage(error))
		return error;
	say_unknown(w->text);
	return -ENOENT;
}

/*
 * Where memory is short a program can't be started, but commands, which need
 * none, can. What failed has said why, unless it could not even begin.
 */
static int run_words(struct words *w)
{
	int desc = newprocess(w->text);
	int result = desc < 0 ? run_command(w, desc) : run_program(desc, w);

	if (result == -EINTR)
		printf("^C\n");
	else if (is_shortage(result))
		printf("%s: %s\n", w->text, error_text(result));
	return result;
}

static int run_line(const char *text)
{
	struct words w;

	split(&w, text);
	if (!w.count)
		return 0;
	if (!strcmp(w.text, "exit"))
		exitprocess(0);
	return run_words(&w);
}

/* With SHELL_ONE a single line is done, with no word of ours beside it. */
int program(int kind, int value, struct msgbuf *buf, uint count)
{
	enum line_event event;
	int result;

	keep_interrupts();
	line.prompt = value == SHELL_ONE ? NULL : "> ";
	do {
		event = read_line(&line);
		result = event == LINE_DONE ? run_line(line.text) : -EINTR;
	} while (value != SHELL_ONE && event != LINE_END);
	return value == SHELL_ONE ? result : 0;
}

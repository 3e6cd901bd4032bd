/*
 * The child of a judge: reads lines, does them, answers. See judge.h.
 */
#include "judge.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "console/panic.h"

#define MOST_WORDS 8192

static char *words[MOST_WORDS];
static uint count;
static char *said;
static size_t said_size, said_room;

const char *word(uint i)
{
	return i < count ? words[i] : "";
}

u64 number(uint i)
{
	return strtoull(word(i), NULL, 0);
}

size_t bytes(uint i, void *to, size_t max)
{
	const char *from = word(i);
	size_t n = 0;
	uint byte;

	while (n < max && sscanf(from + 2 * n, "%2x", &byte) == 1)
		((u8 *)to)[n++] = byte;
	return n;
}

static void add(const char *text, size_t n)
{
	if (said_size + n + 1 > said_room) {
		char *old = said;

		said_room = 2 * (said_size + n + 1);
		said = malloc(said_room);
		if (old)
			memcpy(said, old, said_size);
		libc_free(old);
	}
	memcpy(said + said_size, text, n);
	said_size += n;
}

void answer(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	add(text, libc_vsnprintf(text, sizeof(text), format, args));
	va_end(args);
}

void answer_bytes(const void *p, size_t n)
{
	if (!n)
		add("-", 1);
	for (size_t i = 0; i < n; i++)
		answer("%02x", ((const u8 *)p)[i]);
}

void *guarded(size_t n)
{
	size_t size = ALIGN_UP(n, 4096);
	char *p = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + size, 4096, PROT_NONE))
		abort();
	return p + size - n;
}

/* One line for the judge; a student's own may have begun. */
static void say(char kind, const char *text, size_t n)
{
	fprintf(stdout, "\n%c ", kind);
	if (n) /* there may be no text at all */
		fwrite(text, 1, n, stdout);
	fputc('\n', stdout);
	fflush(stdout);
}

__attribute__((weak)) void judge_last_words(void)
{
}

void panic(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	libc_vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	said_size = 0;
	add(text, strcspn(text, "\n"));
	judge_last_words();
	say('!', said, said_size);
	_exit(1);
}

static void run(void)
{
	const struct judge_command *c = judge_commands;

	said_size = 0;
	add("", 0);
	while (c->name && strcmp(c->name, word(0)))
		c++;
	if (!c->name)
		panic("the child has no command %s", word(0));
	c->run();
	say('=', said, said_size);
}

/* As run(), without the first word, and without what it changes. */
static void run_in_copy(void)
{
	char text[64];
	int status;

	fflush(stdout);
	if (fork() == 0) {
		memmove(words, words + 1, --count * sizeof(*words));
		run();
		_exit(0);
	}
	wait(&status);
	if (WIFSIGNALED(status)) {
		sprintf(text, "signal %d", WTERMSIG(status));
		say('!', text, strlen(text));
	}
}

int main(void)
{
	size_t room = 0;
	char *line = NULL, *rest;

	while (getline(&line, &room, stdin) > 0) {
		count = 0;
		for (char *w = strtok_r(line, " \n", &rest);
		     w && count < MOST_WORDS; w = strtok_r(NULL, " \n", &rest))
			words[count++] = w;
		if (!strcmp(word(0), "try"))
			run_in_copy();
		else
			run();
	}
	return 0;
}

/*
 * Send a number to whoever has a name, in Vellum or in another program:
 * `sendint NAME [n]`; or `sendint` alone, which asks for a name and sends 0.
 */
#include "domain/user/line.h"
#include "domain/user/user.h"

PROGRAM_HELP("[NAME [NUMBER]]", "sends a number; NAME=free: to the log");

int heap[LINE_HEAP], heaplen = LINE_HEAP;

static struct line line = {.prompt = "sendint> "};

/* The decimal number in @text, with a sign if need be. False: it is none. */
static bool read_number(const char *text, int *value)
{
	bool negative = *text == '-';
	s64 n = 0;

	if (negative)
		text++;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + *text - '0';
		if (n > INT32_MAX)
			return false;
	}
	*value = negative ? -n : n;
	return true;
}

static int send_to(const char *name, const char *number)
{
	int d, value = 0, result;

	if (number && !read_number(number, &value)) {
		printf("sendint: %s: no number of 31 bits\n", number);
		return -EINVAL;
	}
	d = msgopen(name);
	if (d < 0) {
		printf("sendint: %s: %s\n", name, error_text(d));
		return d;
	}
	result = msgsendint(d, value);
	msgclose(d);
	if (result < 0) {
		printf("sendint: %s: %s\n", name, error_text(result));
		return result;
	}
	printf("sendint: %s replied %d\n", name, result);
	return 0;
}

int program(int kind, int value, struct msgbuf *buf, uint count)
{
	const char *name;
	size_t at = 0;

	if (kind == MSG_BUF) {
		name = next_arg(buf, &at);
		return send_to(name, next_arg(buf, &at));
	}
	if (read_line(&line) != LINE_DONE || !line.text[0])
		return 0;
	return send_to(line.text, NULL);
}

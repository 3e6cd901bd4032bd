/*
 * The log: Vellum itself prints it, as the command of that name.
 */
#include "domain/user/user.h"

PROGRAM_HELP("[LINES|all|--last]", "the command of that name");

int program(int kind, int value, struct msgbuf *buf, uint count)
{
	char words[128] = "log";
	size_t length = sizeof("log");

	if (kind == MSG_BUF) {
		if (buf->len > sizeof(words) - length) {
			printf("log: too many words\n");
			return -E2BIG;
		}
		memcpy(words + length, buf->base, buf->len);
		length += buf->len;
	}
	return command(words, length);
}

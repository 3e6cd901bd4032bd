/*
 * The receiver of an example: registers a name, and from then on answers under
 * it whatever sendexample sends. It stays when its first call is over: a
 * program is there for as long as somebody can send to it.
 */
#include "domain/user/user.h"

PROGRAM_HELP("", "answers sendexample; to be run before it");

/* A capital is 32 below its small letter. */
static void to_capitals(char *text, uint length)
{
	for (uint i = 0; i < length; i++)
		if (text[i] >= 'a' && text[i] <= 'z')
			text[i] -= 'a' - 'A';
}

static int receive(int kind, int value, struct msgbuf *buf, uint count)
{
	if (kind == MSG_INT)
		return value + 1;
	printf("recvexample: %d, and %u buffers\n", value, count);
	for (uint i = 0; i < count; i++) {
		printf("recvexample: %u bytes, %s: %s\n", buf[i].len,
		       buf[i].rw ? "to be changed" : "only to be read",
		       (char *)buf[i].base);
		if (buf[i].rw)
			to_capitals(buf[i].base, buf[i].len);
	}
	return count;
}

int program(int kind, int value, struct msgbuf *buf, uint count)
{
	int error = msgregister("recvexample", receive);

	if (error)
		printf("recvexample: its name is taken already\n");
	else
		printf("recvexample: ready\n");
	return error;
}

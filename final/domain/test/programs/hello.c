/*
 * The smallest program.
 */
#include "domain/user/user.h"

PROGRAM_HELP("", "the smallest program");

int program(int kind, int value, struct msgbuf *buf, uint count)
{
	printf("hello from ring 3\n");
	return value;
}

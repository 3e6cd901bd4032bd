/*
 * `panic [TEXT]`: asks Vellum to panic. Only who may change the state of the
 * machine can do that; else it comes back.
 */
#include "domain/user/user.h"

PROGRAM_HELP("[TEXT]", "Vellum panics, where that is allowed");

int program(int kind, int value, struct msgbuf *buf, uint count)
{
	int d = msgopen("panic"), error;

	if (d < 0)
		return d;
	error = kind == MSG_BUF ? msgsendbuf(d, 0, buf, 1) : msgsendint(d, 0);
	msgclose(d);
	printf("panic: %s\n", error_text(error));
	return error;
}

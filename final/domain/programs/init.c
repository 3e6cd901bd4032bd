/*
 * The first program of a thread: it starts the shell, and starts it again when
 * it dies. So whoever is at the keyboard has one, whatever a program did, and
 * nothing in Vellum has to know which program is the shell.
 *
 * Not for ever: a shell that dies at once would do so again and again.
 */
#include "domain/user/user.h"

PROGRAM_HELP("", "the first program: keeps a shell alive");

#define MOST_DEATHS 3

/* The shell's status when it ended by itself, or -EFAULT or -EINTR. */
static int run_shell(int how)
{
	int d = newprocess("shell"), status;

	if (d < 0) {
		printf("init: no shell: error %d\n", -d);
		return d;
	}
	status = msgsendint(d, how);
	msgclose(d);
	return status;
}

int program(int kind, int how, struct msgbuf *buf, uint count)
{
	int status = run_shell(how);

	for (int deaths = 1; deaths < MOST_DEATHS && how == SHELL_INTERACTIVE &&
			     (status == -EFAULT || status == -EINTR);
	     deaths++) {
		printf("init: the shell has died; here is another\n");
		status = run_shell(how);
	}
	return status;
}

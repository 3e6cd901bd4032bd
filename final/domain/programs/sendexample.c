/*
 * The sender of an example: a number there and back, then two buffers, one of
 * which comes back changed. Run recvexample first.
 */
#include "domain/user/user.h"

PROGRAM_HELP("", "sends a number and two buffers");

int program(int kind, int value, struct msgbuf *buf, uint count)
{
	static char letter[] = "a letter that comes back", note[] = "a note";
	struct msgbuf bufs[] = {
		{.base = note, .len = sizeof(note)},
		{.base = letter, .len = sizeof(letter), .rw = 1},
	};
	int d = msgopen("recvexample"), result;

	if (d < 0) {
		printf("sendexample: nobody is called recvexample: run it "
		       "first\n");
		return d;
	}
	printf("sendexample: sent 41, got %d\n", msgsendint(d, 41));
	result = msgsendbuf(d, 7, bufs, 2);
	if (result < 0)
		printf("sendexample: no answer: error %d\n", -result);
	else
		printf("sendexample: the letter is: %s\n", letter);
	msgclose(d);
	return result < 0 ? result : 0;
}

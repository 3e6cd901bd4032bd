/*
 * Frames in, answers out. A frame lies before a page that cannot be read.
 */
#include "judge.h"

#include "net/packet.h"

static struct net_end us;

static void self(void)
{
	bytes(1, us.mac, MAC_SIZE);
	us.ip = number(2);
}

/* frame BYTES: kind, sender, length of the answer, the answer's bytes */
static void frame(void)
{
	size_t n = strlen(word(1)) / 2, length;
	u8 *in = guarded(n), *out = guarded(FRAME_MAX);
	struct net_end from = {0};
	enum packet_kind kind;

	bytes(1, in, n);
	memset(out, 0xee, FRAME_MAX);
	kind = packet_read(in, n, &us, &from);
	answer("%d ", kind);
	if (kind != PACKET_ECHO)
		return;
	answer_bytes(from.mac, MAC_SIZE);
	length = packet_answer(kind, in, &us, &from, out);
	answer(" %x %zu ", from.ip, length);
	answer_bytes(out, MIN(length, (size_t)FRAME_MAX));
}

const struct judge_command judge_commands[] = {
	{"self", self},
	{"frame", frame},
	{},
};

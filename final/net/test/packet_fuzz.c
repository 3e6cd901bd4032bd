/*
 * Fuzz target: what comes in over the network. An input is a frame, as the
 * card has received it. Whatever is answered goes to who has sent it, is no
 * longer than that was (but for what fills up short frames), and calls for no
 * answer itself: two Vellums, or one and its echo, can't be made to talk to
 * each other for ever.
 */
#include "fuzz.h"
#include "net/packet.h"

static const struct net_end us = {
	{0x52, 0x54, 0, 0x12, 0x34, 0x56}, 6665, 0x0a00020f};

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u8 answer[FRAME_MAX];
	struct net_end from = {0}, back = {0}, self = us;
	u8 *frame = malloc(size + 1); /* of the exact size, or nearly so */
	enum packet_kind kind;
	size_t length;

	require(frame);
	memcpy(frame, data, size);
	kind = packet_read(frame, size, &self, &from);
	require(kind < PACKET_KINDS);
	length = packet_answer(kind, frame, &self, &from, answer);
	require(!memcmp(&self, &us, sizeof(us)));
	require(!length == (kind != PACKET_ARP_ASK && kind != PACKET_ECHO));
	fuzz_operations++;
	if (length) {
		require(length >= 60 && length <= MAX(size, 60));
		require(mac_is_single(from.mac));
		require(!memcmp(answer, from.mac, MAC_SIZE));
		require(!memcmp(answer + MAC_SIZE, us.mac, MAC_SIZE));
		kind = packet_read(answer, length, &from, &back);
		require(kind == PACKET_ARP_TELL || kind == PACKET_OTHER);
	}
	libc_free(frame);
	return 0;
}

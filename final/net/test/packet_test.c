/*
 * Packets, made and read: what is right, byte by byte as the RFCs have it, and
 * what is answered to all that is not. Whether a third party reads them as we
 * do, test_packets.py asks scapy.
 */
#include "host.h"
#include "lib/string.h"
#include "net/packet.h"

static const struct net_end us = {
	{0x52, 0x54, 0, 0x12, 0x34, 0x56}, 6665, 0x0a00020f};
static const struct net_end them = {
	{0x52, 0x55, 0x0a, 0, 2, 2}, 514, 0x0a000202};

static u8 frame[FRAME_MAX], answer[FRAME_MAX];
static struct net_end from;

static void put(const char *hex, u8 *at)
{
	for (uint byte; sscanf(hex, " %2x", &byte) == 1;
	     hex += strspn(hex, " ") + 2)
		*at++ = byte;
}

/* A ping from them with @data bytes of data. Its length. */
static size_t put_ping(size_t data)
{
	size_t length = packet_udp(frame, &them, &us, "", 0);
	u8 *ip = frame + 14, *icmp = ip + 20;
	u64 sum = 0;

	memset(icmp, 0, FRAME_MAX - 34);
	icmp[0] = 8;
	for (size_t i = 0; i < data; i++)
		icmp[8 + i] = i;
	for (size_t i = 0; i < 8 + data; i++)
		sum += i & 1 ? icmp[i] : icmp[i] << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	icmp[2] = sum >> 8;
	icmp[3] = sum;
	ip[2] = (28 + data) >> 8;
	ip[3] = 28 + data;
	ip[9] = 1;
	ip[10] = ip[11] = 0;
	for (uint i = sum = 0; i < 20; i++)
		sum += i & 1 ? ip[i] : ip[i] << 8;
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = sum >> 8;
	ip[11] = sum;
	return MAX(length, 42 + data);
}

/* Write @value to the IP header's byte @at, with the sum kept right. */
static void poke_ip(uint at, u8 value)
{
	u8 *ip = frame + 14;
	u64 sum = 0;

	ip[at] = value;
	ip[10] = ip[11] = 0;
	for (uint i = 0; i < 20; i++)
		sum += i & 1 ? ip[i] : ip[i] << 8;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = sum >> 8;
	ip[11] = sum;
}

static enum packet_kind read_frame(size_t length)
{
	return packet_read(frame, length, &us, &from);
}

/* The sums are those that scapy makes. */
static void a_datagram_is_made_as_the_rfcs_say(void **state)
{
	u8 expected[60] = {0};

	put("52550a000202 525400123456 0800"
	    "4500 0021 0000 4000 4011 22bc 0a00020f 0a000202"
	    "1a09 0202 000d 87e6 68656c6c6f",
	    expected);
	memset(frame, 0xee, sizeof(frame));
	assert_int_equal(packet_udp(frame, &us, &them, "hello", 5), 60);
	assert_memory_equal(frame, expected, 60);
}

static void a_sum_of_zero_is_sent_as_all_ones(void **state)
{
	u8 payload[2];

	for (uint i = 0; i < 0x10000; i++) {
		payload[0] = i >> 8;
		payload[1] = i;
		packet_udp(frame, &us, &them, payload, 2);
		assert_true(frame[40] || frame[41]);
	}
}

static void of_too_much_the_first_is_sent(void **state)
{
	static u8 payload[2000];

	memset(payload, 'x', sizeof(payload));
	assert_int_equal(packet_udp(frame, &us, &them, payload, 2000),
			 FRAME_MAX);
	assert_int_equal(frame[16] << 8 | frame[17], 1500);
	assert_int_equal(frame[38] << 8 | frame[39], 1480);
	assert_int_equal(packet_udp(frame, &us, &them, payload, 1472),
			 FRAME_MAX);
	assert_int_equal(packet_udp(frame, &us, &them, payload, 1471),
			 FRAME_MAX - 1);
}

static void a_question_for_an_address_goes_to_all(void **state)
{
	u8 expected[60] = {0};

	put("ffffffffffff 525400123456 0806"
	    "0001 0800 06 04 0001 525400123456 0a00020f"
	    "000000000000 0a000202",
	    expected);
	memset(frame, 0xee, sizeof(frame));
	assert_int_equal(packet_arp(frame, &us, them.ip), 60);
	assert_memory_equal(frame, expected, 60);
}

static void who_asks_for_our_address_is_told_it(void **state)
{
	u8 expected[60] = {0};

	packet_arp(frame, &them, us.ip);
	assert_int_equal(read_frame(60), PACKET_ARP_ASK);
	assert_memory_equal(from.mac, them.mac, 6);
	put("52550a000202 525400123456 0806"
	    "0001 0800 06 04 0002 525400123456 0a00020f"
	    "52550a000202 0a000202",
	    expected);
	memset(answer, 0xee, sizeof(answer));
	assert_int_equal(
		packet_answer(PACKET_ARP_ASK, frame, &us, &from, answer), 60);
	assert_memory_equal(answer, expected, 60);
	assert_int_equal(packet_read(answer, 60, &them, &from),
			 PACKET_ARP_TELL);
	assert_memory_equal(from.mac, us.mac, 6);
	assert_int_equal(from.ip, us.ip);
}

static void who_asks_whether_an_address_is_free_is_told(void **state)
{
	struct net_end nobody = them;

	nobody.ip = 0;
	packet_arp(frame, &nobody, us.ip);
	assert_int_equal(read_frame(60), PACKET_ARP_ASK);
}

static void who_claims_our_address_is_noticed(void **state)
{
	struct net_end thief = them;

	thief.ip = us.ip;
	packet_arp(frame, &thief, 0x0a000203);
	assert_int_equal(read_frame(60), PACKET_CONFLICT);
	assert_int_equal(
		packet_answer(PACKET_CONFLICT, frame, &us, &from, answer), 0);
}

static void arp_for_others_or_of_other_kinds_is_passed_over(void **state)
{
	packet_arp(frame, &them, us.ip + 1);
	assert_int_equal(read_frame(60), PACKET_OTHER);
	for (uint i = 14; i < 20; i++) { /* network, protocol, their sizes */
		packet_arp(frame, &them, us.ip);
		frame[i] ^= 1;
		assert_int_equal(read_frame(60), PACKET_OTHER);
	}
	packet_arp(frame, &them, us.ip);
	frame[21] = 3; /* RARP's */
	assert_int_equal(read_frame(60), PACKET_OTHER);
	/* An answer to everybody was not asked for. */
	frame[21] = 2;
	assert_int_equal(read_frame(60), PACKET_OTHER);
}

static void arp_from_a_group_or_from_nobody_is_bad(void **state)
{
	packet_arp(frame, &them, us.ip);
	frame[22] |= 1;
	assert_int_equal(read_frame(60), PACKET_BAD);
	packet_arp(frame, &them, us.ip);
	memset(frame + 22, 0, 6);
	assert_int_equal(read_frame(60), PACKET_BAD);
	packet_arp(frame, &them, us.ip);
	memset(frame + 28, 0xff, 4);
	assert_int_equal(read_frame(60), PACKET_BAD);
}

static void a_ping_of_any_size_is_answered_with_all_its_data(void **state)
{
	static const size_t sizes[] = {0, 1, 17, 18, 56, 57, 1471, 1472};

	for (uint i = 0; i < ARRAY_SIZE(sizes); i++) {
		size_t length = put_ping(sizes[i]);

		assert_int_equal(read_frame(length), PACKET_ECHO);
		memset(answer, 0xee, sizeof(answer));
		assert_int_equal(
			packet_answer(PACKET_ECHO, frame, &us, &from, answer),
			MAX(60UL, 42 + sizes[i]));
		assert_memory_equal(answer, them.mac, 6);
		assert_int_equal(answer[34], 0);
		assert_memory_equal(answer + 38, frame + 38, 4 + sizes[i]);
		/* Nothing of the buffer goes out behind it. */
		for (size_t at = 42 + sizes[i]; at < 60; at++)
			assert_int_equal(answer[at], 0);
	}
}

static void what_was_added_behind_a_ping_is_no_part_of_it(void **state)
{
	put_ping(3);
	assert_int_equal(read_frame(FRAME_MAX), PACKET_ECHO);
	assert_int_equal(packet_answer(PACKET_ECHO, frame, &us, &from, answer),
			 60);
}

static void a_ping_that_is_not_for_us_alone_is_passed_over(void **state)
{
	put_ping(4);
	memset(frame, 0xff, 6);
	assert_int_equal(read_frame(60), PACKET_OTHER);
	put_ping(4);
	poke_ip(19, 0xff); /* 10.0.2.255 */
	assert_int_equal(read_frame(60), PACKET_OTHER);
}

static void fragments_options_and_other_protocols_are_passed_over(void **state)
{
	static const struct {
		u8 at, value;
	} wrong[] = {{0, 0x46}, {0, 0x44}, {0, 0x65}, {6, 0x20},
		     {6, 0x01}, {7, 0x01}, {9, 17},   {9, 6}};

	for (uint i = 0; i < ARRAY_SIZE(wrong); i++) {
		put_ping(4);
		poke_ip(wrong[i].at, wrong[i].value);
		assert_int_equal(read_frame(60), PACKET_OTHER);
	}
	put_ping(4);
	frame[34] = 0; /* an answer is not answered */
	assert_int_equal(read_frame(60), PACKET_OTHER);
	packet_udp(frame, &them, &us, "x", 1);
	assert_int_equal(read_frame(60), PACKET_OTHER);
	frame[12] = 0x86; /* IPv6 */
	frame[13] = 0xdd;
	assert_int_equal(read_frame(60), PACKET_OTHER);
}

static void a_ping_whose_lengths_or_sums_are_wrong_is_bad(void **state)
{
	static const u16 lengths[] = {0, 19, 20, 27, 1500, 0xffff};

	for (uint i = 0; i < ARRAY_SIZE(lengths); i++) {
		put_ping(100);
		poke_ip(2, lengths[i] >> 8);
		poke_ip(3, lengths[i]);
		assert_int_equal(read_frame(142), PACKET_BAD);
	}
	put_ping(100);
	assert_int_equal(read_frame(141), PACKET_BAD);
	frame[24] ^= 1; /* the header's sum */
	assert_int_equal(read_frame(142), PACKET_BAD);
	for (uint at = 36; at < 142; at++) {
		put_ping(100);
		frame[at] ^= 0x10;
		assert_int_equal(read_frame(142), PACKET_BAD);
	}
}

static void a_ping_in_the_name_of_a_group_is_bad(void **state)
{
	static const u8 first[] = {0, 127, 224, 239, 240, 255};

	for (uint i = 0; i < sizeof(first); i++) {
		put_ping(4);
		poke_ip(12, first[i]);
		assert_int_equal(read_frame(60), PACKET_BAD);
	}
	put_ping(4);
	poke_ip(15, us.ip & 0xff); /* or in our own */
	assert_int_equal(read_frame(60), PACKET_BAD);
	put_ping(4);
	frame[6] |= 1;
	assert_int_equal(read_frame(60), PACKET_BAD);
}

/* The buffer ends where the frame does: the address sanitizer watches. */
static void a_frame_that_is_cut_anywhere_is_not_read_beyond(void **state)
{
	struct net_end who;

	for (uint kind = 0; kind < 2; kind++) {
		size_t length =
			kind ? put_ping(30) : packet_arp(frame, &them, us.ip);

		for (size_t n = 0; n < length; n++) {
			u8 *cut = malloc(n);

			if (n)
				memcpy(cut, frame, n);
			if (packet_read(cut, n, &us, &who) == PACKET_ECHO)
				fail_msg("cut to %zu, it is a ping", n);
			libc_free(cut);
		}
	}
	assert_int_equal(read_frame(FRAME_MAX + 1), PACKET_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_is_made_as_the_rfcs_say),
		cmocka_unit_test(a_sum_of_zero_is_sent_as_all_ones),
		cmocka_unit_test(of_too_much_the_first_is_sent),
		cmocka_unit_test(a_question_for_an_address_goes_to_all),
		cmocka_unit_test(who_asks_for_our_address_is_told_it),
		cmocka_unit_test(who_asks_whether_an_address_is_free_is_told),
		cmocka_unit_test(who_claims_our_address_is_noticed),
		cmocka_unit_test(
			arp_for_others_or_of_other_kinds_is_passed_over),
		cmocka_unit_test(arp_from_a_group_or_from_nobody_is_bad),
		cmocka_unit_test(
			a_ping_of_any_size_is_answered_with_all_its_data),
		cmocka_unit_test(what_was_added_behind_a_ping_is_no_part_of_it),
		cmocka_unit_test(
			a_ping_that_is_not_for_us_alone_is_passed_over),
		cmocka_unit_test(
			fragments_options_and_other_protocols_are_passed_over),
		cmocka_unit_test(a_ping_whose_lengths_or_sums_are_wrong_is_bad),
		cmocka_unit_test(a_ping_in_the_name_of_a_group_is_bad),
		cmocka_unit_test(
			a_frame_that_is_cut_anywhere_is_not_read_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

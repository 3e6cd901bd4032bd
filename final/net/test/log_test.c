/*
 * The log's way out: each line once, in order, as soon as it can be sent; and
 * what is lost is told. The network is a fake that takes what it is given, or
 * does not.
 */
#include "console/log.c"
#include "net/log.c"

#include "console/panic.h"
#include "host.h"

#define PACKETS 8192

static struct {
	const struct net_peer *to;
	char text[PACKET_SIZE];
} packets[PACKETS];

static uint packet_count, room, polls, waits, flushes, recoveries;
static int send_error;
static const char *udp, *syslog, *host;
static bool is_lost, faults_in_send;
static struct nic card;
static struct net_state state = {.nic = &card, .self.ip = 0x0a00020f};

u32 panic_cpu;

const struct net_state *net_state(void)
{
	return &state;
}

void net_peer_init(struct net_peer *peer, u32 ip, u16 port)
{
	*peer = (struct net_peer){.end = {.ip = ip, .port = port}, .hop = ip};
}

bool net_wait(struct net_peer *peer)
{
	waits++;
	return !send_error;
}

bool net_has_link(void)
{
	return true;
}

bool net_is_lost(void)
{
	return is_lost;
}

void net_poll(void)
{
	polls++;
}

void net_flush(void)
{
	flushes++;
}

void net_recover(void)
{
	recoveries++;
}

int net_send(struct net_peer *peer, const void *payload, size_t length)
{
	if (faults_in_send)
		panic("a fault as it was sent");
	if (send_error || !room)
		return send_error ? send_error : -EAGAIN;
	room--;
	assert_true(packet_count < PACKETS && length < PACKET_SIZE);
	packets[packet_count].to = peer;
	memcpy(packets[packet_count].text, payload, length);
	packets[packet_count++].text[length] = '\0';
	return 0;
}

bool setting_ipv4(const struct setting *setting, u32 *ip, u16 *port)
{
	const char *text = setting == &udp_setting ? udp : syslog;

	if (!text)
		return false;
	*ip = 0x0a000202;
	if (strchr(text, ':'))
		*port = atoi(strchr(text, ':') + 1);
	return true;
}

const char *setting_text(const struct setting *setting, size_t *length)
{
	if (host)
		*length = strlen(host);
	return host;
}

const struct setting_type ipv4_port_type, text_type;

static void say(const char *text)
{
	while (*text)
		log_putc(*text++);
}

static void say_line(uint n)
{
	char text[64];

	snprintf(text, sizeof(text), "line %u\n", n);
	say(text);
}

static int begin(void **unused)
{
	struct receiver fresh[] = {
		{&udp_setting, .port = 6666, .format = format_plain},
		{&syslog_setting, .port = 514, .format = format_syslog},
	};

	memcpy(receivers, fresh, sizeof(fresh));
	memset(&early, 0, sizeof(early));
	memset(host_name, 0, sizeof(host_name));
	written = packet_count = polls = waits = flushes = recoveries = 0;
	send_error = panic_cpu = 0;
	room = ~0U;
	udp = syslog = host = NULL;
	is_lost = faults_in_send = false;
	state.nic = &card;
	last_words = (struct last_words){0};
	told_of_loss = false;
	is_running = false;
	log_line_end = NULL;
	host_printed[0] = '\0';
	return 0;
}

static void assert_packet(uint n, const char *text)
{
	assert_true(n < packet_count);
	assert_string_equal(packets[n].text, text);
}

static void what_was_said_before_there_was_a_card_is_sent_first(void **unused)
{
	say("one\ntwo\n");
	udp = "10.0.2.2";
	net_log_init();
	say("three\n");
	assert_int_equal(packet_count, 3);
	assert_packet(0, "1 one\n");
	assert_packet(1, "2 two\n");
	assert_packet(2, "3 three\n");
	assert_int_equal(packets[0].to->end.port, 6666);
	assert_non_null(strstr(host_printed, "log.udp: 10.0.2.2, port 6666"));
}

static void a_line_is_sent_when_it_ends_and_not_before(void **unused)
{
	udp = "10.0.2.2:99";
	net_log_init();
	say("half");
	net_log_poll();
	assert_int_equal(packet_count, 0);
	say(" and half\n");
	assert_int_equal(packet_count, 1);
	assert_packet(0, "1 half and half\n");
	assert_int_equal(packets[0].to->end.port, 99);
}

static void lines_without_a_word_are_not_sent(void **unused)
{
	udp = "";
	net_log_init();
	say("\n\na\n\nb\n");
	assert_int_equal(packet_count, 2);
	assert_packet(1, "2 b\n");
}

static void what_cannot_be_sent_waits_and_is_sent_once(void **unused)
{
	udp = "";
	net_log_init();
	send_error = -EAGAIN;
	for (uint i = 0; i < 3; i++)
		say_line(i);
	assert_int_equal(packet_count, 0);
	send_error = 0;
	room = 2; /* it stops in the midst */
	net_log_poll();
	assert_int_equal(packet_count, 2);
	room = ~0U;
	say_line(3);
	assert_int_equal(packet_count, 4);
	for (uint i = 0; i < 4; i++) {
		char expected[32];

		snprintf(expected, sizeof(expected), "%u line %u\n", i + 1, i);
		assert_packet(i, expected);
	}
}

static void each_receiver_has_a_pace_of_its_own(void **unused)
{
	udp = syslog = "";
	net_log_init();
	room = 1;
	say("one\n"); /* syslog does not get it now */
	room = ~0U;
	say("two\n");
	assert_int_equal(packet_count, 4);
	assert_packet(0, "1 one\n");
	assert_packet(1, "2 two\n");
	assert_non_null(strstr(packets[2].text, "\"1\"] one"));
	assert_non_null(strstr(packets[3].text, "\"2\"] two"));
	assert_int_equal(packets[3].to->end.port, 514);
}

/* Every line is sent, or told of; none is sent in part. (If a line begins where
 * the ring does, nobody can know, and it is counted as lost.) */
static void what_the_ring_overwrites_is_counted_and_told(void **unused)
{
	u64 lost = 0, sent = 0;
	uint n = 0;

	udp = "";
	net_log_init();
	say_line(n++);
	send_error = -EAGAIN;
	while (written < LOG_SIZE + 1000)
		say_line(n++);
	send_error = 0;
	while (packet_count < 2)
		net_log_poll();
	assert_int_equal(sscanf(packets[1].text,
				"2 log: %lu characters of it are lost here\n",
				&lost),
			 1);
	assert_true(lost > 900 && lost < 1100);
	while (receivers[0].cursor < written)
		net_log_poll();
	for (uint i = 0; i < packet_count; i++) {
		uint number, line, end = 0;

		if (i == 1)
			continue;
		assert_int_equal(sscanf(packets[i].text, "%u line %u\n%n",
					&number, &line, &end),
				 2);
		assert_int_equal(number, i + 1);
		assert_int_equal(line, n - (i ? packet_count - i : n));
		for (sent++; packets[i].text[end]; end++)
			fail_msg("there is more");
	}
	assert_int_equal(receivers[0].lost, lost);
	for (uint line = 1; line < n - (packet_count - 2); line++)
		lost -= 7 + (line > 9) + (line > 99) + (line > 999);
	assert_int_equal(lost, 0);
}

static void that_lines_are_lost_is_told_even_if_it_comes_late(void **unused)
{
	udp = "";
	net_log_init();
	send_error = -EAGAIN;
	while (written < 3 * LOG_SIZE)
		say("0123456\n");
	room = 0;
	send_error = 0;
	net_log_poll();
	assert_int_equal(packet_count, 0);
	room = ~0U;
	say("0123456\n");
	assert_packet(0, "1 log: 131088 characters of it are lost here\n");
	assert_packet(1, "2 0123456\n");
}

static void syslog_gets_what_rfc_5424_wants(void **unused)
{
	syslog = "";
	host = "cellar-7.example";
	net_log_init();
	say("vmm: ready\n");
	assert_packet(0, "<6>1 - cellar-7.example vellum - - "
			 "[meta sequenceId=\"1\"] vmm: ready");
}

static void without_a_name_the_address_stands_for_the_machine(void **unused)
{
	syslog = "";
	net_log_init();
	say("x\n");
	assert_packet(0, "<6>1 - 10.0.2.15 vellum - - "
			 "[meta sequenceId=\"1\"] x");
}

static void a_name_that_would_break_the_header_does_not(void **unused)
{
	syslog = "";
	host = "a b\xc3\xa4\x01";
	net_log_init();
	say("x\n");
	assert_non_null(strstr(packets[0].text, " a?b??? vellum "));
}

static void a_panic_is_an_emergency_and_what_follows_is_critical(void **unused)
{
	static const char *const lines[] = {
		"vmm: ready\n",
		"<6>",
		"reset: the chipset failed\n",
		"<4>",
		"no panic(\n",
		"<6>",
		"panic(CPU0): x\n",
		"<0>",
		"backtrace<-0x40100000\n",
		"<2>",
	};

	syslog = "";
	net_log_init();
	for (uint i = 0; i < ARRAY_SIZE(lines); i += 2) {
		say(lines[i]);
		assert_memory_equal(packets[i / 2].text, lines[i + 1], 3);
	}
}

static void after_the_largest_number_syslog_begins_with_1(void **unused)
{
	syslog = "";
	net_log_init();
	receivers[1].sent = SYSLOG_IDS - 1;
	say("x\ny\n");
	assert_non_null(strstr(packets[0].text, "\"2147483647\""));
	assert_non_null(strstr(packets[1].text, "\"1\""));
}

static void what_a_terminal_would_obey_is_replaced(void **unused)
{
	udp = "";
	net_log_init();
	say("a\tb\033[2J\r\x7f\xff\n");
	assert_packet(0, "1 a b?[2J???\n");
}

static void a_line_that_is_too_long_becomes_several(void **unused)
{
	static char text[2500];

	udp = syslog = "";
	host = "a-name-of-63-characters-which-is-the-longest-that-there-can-"
	       "be-";
	net_log_init();
	memset(text, 'x', sizeof(text) - 1);
	say(text);
	assert_int_equal(packet_count, 0);
	say("\nnext\n");
	assert_int_equal(packet_count, 8);
	assert_int_equal(strlen(packets[0].text), 2 + TEXT_SIZE - 1 + 1);
	assert_int_equal(strlen(packets[2].text), 2 + 2499 % 999 + 1);
	assert_packet(6, "4 next\n");
}

static void a_guest_does_not_wait_for_more_than_a_burst(void **unused)
{
	udp = "";
	net_log_init();
	send_error = -EAGAIN;
	for (uint i = 0; i < 3 * BURST; i++)
		say_line(i);
	send_error = 0;
	net_log_poll();
	assert_int_equal(packet_count, BURST);
	panic_cpu = 1; /* then all comes */
	net_log_poll();
	assert_int_equal(packet_count, 3 * BURST);
}

static void in_a_panic_the_card_recovers_once_and_each_line_leaves(
	void **unused)
{
	udp = syslog = "";
	net_log_init();
	say("x\n");
	assert_int_equal(recoveries + flushes, 0);
	waits = 0;
	panic_cpu = 1;
	say("panic(CPU0): y\n");
	say("z\n");
	assert_int_equal(packet_count, 6);
	assert_int_equal(recoveries, 1);
	assert_int_equal(waits, 2);
	assert_int_equal(flushes, 2);
}

static void a_network_that_never_worked_is_not_waited_for(void **unused)
{
	udp = syslog = "";
	room = 0;
	net_log_init();
	waits = 0;
	panic_cpu = 1;
	say("panic(CPU0): y\n");
	assert_int_equal(recoveries, 1);
	assert_int_equal(waits, 0);
	room = ~0U; /* but it is tried */
	net_log_poll();
	assert_int_equal(packet_count, 2);
}

static void who_was_stopped_by_another_cpus_panic_sends_no_more(void **unused)
{
	udp = "";
	net_log_init();
	panic_cpu = 2; /* CPU 1's; we are CPU 0 */
	say("x\n");
	assert_int_equal(packet_count, 0);
}

/* The second attempt may be as bad. Then nothing touches the network. */
static void a_fault_in_sending_ends_it_after_one_more_attempt(void **unused)
{
	udp = "";
	net_log_init();
	panic_cpu = 1;
	faults_in_send = true;
	assert_panics(say("x\n"), "a fault as it was sent");
	assert_panics(say("y\n"), "a fault as it was sent");
	assert_int_equal(recoveries, 2);
	say("z\n");
	say("z\n");
	assert_int_equal(recoveries, 2);
	assert_int_equal(packet_count, 0);
}

static void a_fault_that_does_not_come_again_costs_no_line(void **unused)
{
	udp = "";
	net_log_init();
	panic_cpu = 1;
	faults_in_send = true;
	assert_panics(say("x\n"), "a fault as it was sent");
	faults_in_send = false;
	say("y\n");
	assert_packet(0, "1 x\n");
	assert_packet(1, "2 y\n");
}

static void a_lost_card_is_told_of_in_the_log_once(void **unused)
{
	char text[64] = "";

	udp = "";
	net_log_init();
	is_lost = true;
	send_error = -ENODEV;
	say("x\ny\n");
	log_read(0, text, sizeof(text) - 1);
	assert_string_equal(text, "x\nnet: the card is lost\ny\n");
}

static void a_receiver_without_a_card_is_told_of(void **unused)
{
	udp = "";
	state.nic = NULL;
	net_log_init();
	say("x\n");
	assert_int_equal(packet_count + polls, 0);
	assert_non_null(strstr(host_printed, "log.udp: there is no network"));
}

static void a_card_without_receivers_answers_all_the_same(void **unused)
{
	net_log_init();
	polls = 0;
	say("x\n");
	assert_int_equal(polls, 1);
	assert_int_equal(packet_count, 0);
}

#define TEST(function) cmocka_unit_test_setup(function, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_said_before_there_was_a_card_is_sent_first),
		TEST(a_line_is_sent_when_it_ends_and_not_before),
		TEST(lines_without_a_word_are_not_sent),
		TEST(what_cannot_be_sent_waits_and_is_sent_once),
		TEST(each_receiver_has_a_pace_of_its_own),
		TEST(what_the_ring_overwrites_is_counted_and_told),
		TEST(that_lines_are_lost_is_told_even_if_it_comes_late),
		TEST(syslog_gets_what_rfc_5424_wants),
		TEST(without_a_name_the_address_stands_for_the_machine),
		TEST(a_name_that_would_break_the_header_does_not),
		TEST(a_panic_is_an_emergency_and_what_follows_is_critical),
		TEST(after_the_largest_number_syslog_begins_with_1),
		TEST(what_a_terminal_would_obey_is_replaced),
		TEST(a_line_that_is_too_long_becomes_several),
		TEST(a_guest_does_not_wait_for_more_than_a_burst),
		TEST(in_a_panic_the_card_recovers_once_and_each_line_leaves),
		TEST(a_network_that_never_worked_is_not_waited_for),
		TEST(who_was_stopped_by_another_cpus_panic_sends_no_more),
		TEST(a_fault_in_sending_ends_it_after_one_more_attempt),
		TEST(a_fault_that_does_not_come_again_costs_no_line),
		TEST(a_lost_card_is_told_of_in_the_log_once),
		TEST(a_receiver_without_a_card_is_told_of),
		TEST(a_card_without_receivers_answers_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

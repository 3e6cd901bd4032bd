/*
 * Our station: which way to whom, whose answers are believed, and what is
 * answered. The card is a fake: what it is given to send is kept, and what it
 * receives a test puts there.
 */
#include "net/net.c"

#include "host.h"

#define FRAMES 64

static struct frame {
	size_t length;
	u8 bytes[FRAME_MAX];
} sent[FRAMES], coming[FRAMES];

static uint sent_count, coming_count, coming_at, link_after;
static int send_error;
static u64 waited;     /* microseconds */
static u32 answers_to; /* whom the network knows */
static const char *text_of_net, *ip, *gateway, *mac;
static u32 prefix;
static struct nic card = {.mac = {0x52, 0x54, 0, 0x12, 0x34, 0x56}};
static uint opened, hidden, owned, stopped;

static const u8 router[MAC_SIZE] = {0x52, 0x55, 10, 0, 2, 2};

struct nic *nic_open(const struct nic_choice *choice)
{
	opened++;
	return choice->by == NIC_FIRST ? &card : NULL;
}

int nic_wake(struct nic *nic)
{
	return -ENODEV;
}

bool pci_hide(const struct pci_function *function, const char *who)
{
	hidden += function == &card.pci;
	return true;
}

void iommu_own(const struct pci_function *function, phys_t base, u64 size)
{
	assert_ptr_equal(function, &card.pci);
	assert_int_equal(base.v, card.memory.v);
	assert_int_equal(size, card.size);
	owned++;
}

int nic_send(struct nic *nic, const void *frame, size_t length)
{
	struct net_end self, from;

	assert_true(length >= 60 && length <= FRAME_MAX);
	if (send_error)
		return send_error;
	assert_true(sent_count < FRAMES);
	memcpy(sent[sent_count].bytes, frame, length);
	sent[sent_count++].length = length;
	/* Does somebody answer? */
	self = (struct net_end){.ip = answers_to};
	memcpy(self.mac, router, MAC_SIZE);
	if (packet_read(frame, length, &self, &from) == PACKET_ARP_ASK) {
		struct frame *f = &coming[coming_count++ % FRAMES];

		f->length = packet_answer(PACKET_ARP_ASK, frame, &self, &from,
					  f->bytes);
	}
	return 0;
}

int nic_receive(struct nic *nic, void *frame, size_t size)
{
	struct frame *f = &coming[coming_at % FRAMES];

	if (coming_at == coming_count)
		return 0;
	coming_at++;
	if (!f->length)
		return -EINVAL;
	assert_true(f->length <= size);
	memcpy(frame, f->bytes, f->length);
	return f->length;
}

bool nic_link(struct nic *nic)
{
	return waited >= link_after * 1000UL;
}

int nic_drain(struct nic *nic)
{
	return 0;
}

void nic_stop(struct nic *nic)
{
	stopped++;
}

int nic_restore(struct nic *nic)
{
	return 0;
}

void delay(uint us)
{
	waited += us;
	host_tsc += us * 3000UL; /* of 3 GHz */
}

const char *setting_text(const struct setting *setting, size_t *length)
{
	*length = text_of_net ? strlen(text_of_net) : 0;
	return text_of_net;
}

bool setting_ipv4(const struct setting *setting, u32 *address, u16 *port)
{
	const char *text = setting == &ip_setting ? ip : gateway;
	uint a, b, c, d;

	if (!text || sscanf(text, "%u.%u.%u.%u", &a, &b, &c, &d) != 4)
		return false;
	*address = a << 24 | b << 16 | c << 8 | d;
	return true;
}

bool setting_mac(const struct setting *setting, u8 to[MAC_SIZE])
{
	if (mac)
		memcpy(to, router, MAC_SIZE);
	return mac;
}

u32 setting_number(const struct setting *setting, u32 otherwise)
{
	return prefix;
}

const struct setting_type ipv4_type, mac_type, number_type;

static int begin(void **unused)
{
	host_cpu_reset();
	memset(&net, 0, sizeof(net));
	memset(fixed_hop, 0, sizeof(fixed_hop));
	peers = NULL;
	sent_count = coming_count = coming_at = link_after = 0;
	send_error = opened = hidden = owned = stopped = 0;
	waited = 0;
	answers_to = 0x0a000202;
	text_of_net = "on";
	ip = "10.0.2.15";
	gateway = mac = NULL;
	prefix = 24;
	card.lost = false;
	host_printed[0] = '\0';
	return 0;
}

static struct net_peer *peer(u32 address)
{
	static struct net_peer one;

	peers = NULL;
	net_peer_init(&one, address, 514);
	return &one;
}

static void without_the_setting_no_card_is_touched(void **unused)
{
	static const char *const off[] = {NULL, "off", "nonsense"};

	for (uint i = 0; i < ARRAY_SIZE(off); i++) {
		text_of_net = off[i];
		net_init();
		assert_null(net_state()->nic);
	}
	assert_int_equal(opened, 0);
	assert_string_equal(host_printed, "");
	net_poll();
	net_flush();
	net_recover();
	net_wake();
	assert_string_equal(host_printed, "");
	assert_int_equal(net_send(peer(0x0a000202), "x", 1), -ENODEV);
}

static void without_an_address_the_cards_are_left_alone(void **unused)
{
	static const char *const bad[] = {NULL, "0.0.0.0", "127.0.0.1",
					  "224.0.0.1", "255.255.255.255"};

	for (uint i = 0; i < ARRAY_SIZE(bad); i++) {
		ip = bad[i];
		host_printed[0] = '\0';
		net_init();
		assert_non_null(strstr(host_printed, "left alone"));
	}
	assert_int_equal(opened, 0);
}

static void the_card_that_is_stopped_is_hidden(void **unused)
{
	gateway = "10.0.2.2";
	net_init();
	assert_int_equal(hidden, 1);
	assert_int_equal(owned, 1);
	assert_string_equal(host_printed,
			    "net: 10.0.2.15/24, gateway 10.0.2.2\n");
}

static void a_card_that_is_not_there_is_no_network(void **unused)
{
	text_of_net = "00:03.0";
	net_init();
	assert_int_equal(opened, 1);
	assert_int_equal(hidden, 0);
	assert_int_equal(owned, 0);
	assert_int_equal(net_send(peer(0x0a000202), "x", 1), -ENODEV);
}

static void a_neighbour_is_asked_for_and_then_sent_to(void **unused)
{
	struct net_peer *p;

	net_init();
	p = peer(0x0a000202);
	assert_true(net_wait(p));
	assert_memory_equal(p->end.mac, router, MAC_SIZE);
	assert_int_equal(net_send(p, "x", 1), 0);
	assert_int_equal(sent_count, 2);
	assert_memory_equal(sent[1].bytes, router, MAC_SIZE);
	assert_true(waited <= 1000);
}

static void who_is_far_is_reached_by_the_gateway(void **unused)
{
	struct net_peer *p;

	gateway = "10.0.2.2";
	net_init();
	p = peer(0xc0a80001);
	assert_true(net_wait(p));
	assert_memory_equal(p->end.mac, router, MAC_SIZE);
	assert_int_equal(p->end.ip, 0xc0a80001);
	assert_int_equal(peer(0x0a000203)->hop, 0x0a000203);
	prefix = 30;
	net_init();
	assert_int_equal(peer(0x0a000202)->hop, 0x0a000202);
}

static void without_a_gateway_everybody_is_near(void **unused)
{
	net_init();
	assert_int_equal(peer(0xc0a80001)->hop, 0xc0a80001);
	prefix = 0;
	gateway = "10.0.2.2";
	net_init();
	assert_int_equal(peer(0xc0a80001)->hop, 0xc0a80001);
	assert_false(peer(0xffffffff)->hop);
}

static void a_hop_by_a_setting_is_never_asked_for(void **unused)
{
	struct net_peer *p;

	mac = "52:55:0a:00:02:02";
	net_init();
	p = peer(0xc0a80001);
	assert_true(net_wait(p));
	host_tsc += 10 * OLD;
	assert_int_equal(net_send(p, "x", 1), 0);
	assert_int_equal(sent_count, 1);
	assert_memory_equal(sent[0].bytes, router, MAC_SIZE);
}

static void all_on_the_network_are_reached_at_once(void **unused)
{
	static const struct {
		u32 prefix, ip;
		bool all;
	} cases[] = {
		{24, 0xffffffff, true},  {24, 0x0a0002ff, true},
		{24, 0x0a0003ff, false}, {28, 0x0a00020f, true},
		{31, 0x0a00020f, false}, {32, 0x0a00020f, false},
		{0, 0x0a0002ff, false},  {0, 0xffffffff, true},
	};

	for (uint i = 0; i < ARRAY_SIZE(cases); i++) {
		prefix = cases[i].prefix;
		net_init();
		assert_int_equal(peer(cases[i].ip)->known, cases[i].all);
		if (cases[i].all)
			assert_memory_equal(peer(cases[i].ip)->end.mac,
					    mac_everybody, MAC_SIZE);
	}
}

static void who_does_not_answer_is_waited_for_and_not_for_long(void **unused)
{
	struct net_peer *p;

	answers_to = 0;
	net_init();
	p = peer(0x0a000202);
	assert_false(net_wait(p));
	assert_true(waited >= 3000000 && waited <= 5000000);
	assert_true(sent_count > 5 && sent_count < 40); /* questions */
	assert_int_equal(net_send(p, "x", 1), -EAGAIN);
	assert_int_equal(net_send(p, "x", 1), -EAGAIN);
	waited = sent_count = 0;
	answers_to = 0x0a000202;
	host_tsc += ASK_AGAIN;
	assert_int_equal(net_send(p, "x", 1), -EAGAIN);
	net_poll();
	assert_int_equal(net_send(p, "x", 1), 0);
	assert_int_equal(sent_count, 2);
	assert_int_equal(waited, 0); /* nobody waits while a guest runs */
}

static void a_link_that_comes_late_is_waited_for(void **unused)
{
	net_init();
	link_after = 2500;
	assert_int_equal(net_send(peer(0x0a000202), "x", 1), -EAGAIN);
	assert_true(net_wait(peer(0x0a000202)));
	assert_int_equal(waited / 1000000, 2);
}

static void without_a_link_nobody_waits_for_ever(void **unused)
{
	net_init();
	link_after = 1000000;
	assert_false(net_wait(peer(0x0a000202)));
	assert_true(waited <= 5000000);
	assert_int_equal(sent_count, 0);
	card.lost = true;
	waited = 0;
	assert_false(net_wait(peer(0x0a000202)));
	assert_int_equal(waited, 0);
	assert_int_equal(net_send(peer(0x0a000202), "x", 1), -ENODEV);
}

/* It may be another machine by now, with another card. */
static void an_old_answer_is_used_while_a_new_one_is_asked_for(void **unused)
{
	struct net_peer *p;

	net_init();
	p = peer(0x0a000202);
	assert_true(net_wait(p));
	p->end.mac[5] = 0x99;
	host_tsc += 2 * OLD;
	sent_count = 0;
	assert_int_equal(net_send(p, "x", 1), 0);
	assert_int_equal(sent_count, 2); /* the question, and the packet */
	assert_int_equal(sent[1].bytes[5], 0x99);
	net_poll();
	assert_int_equal(net_send(p, "x", 1), 0);
	assert_int_equal(sent_count, 3);
	assert_memory_equal(sent[2].bytes, router, MAC_SIZE);
}

/* Somebody who says, unasked, that an address is his. */
static void what_nobody_asked_for_is_not_believed(void **unused)
{
	struct net_end liar = {{2, 6, 6, 6, 6, 6}, 0, 0x0a000202};
	struct net_end from;
	struct net_peer *p;

	net_init();
	p = peer(0x0a000202);
	assert_true(net_wait(p));
	packet_arp(sent[0].bytes, &net.self, 0x0a000202);
	assert_int_equal(packet_read(sent[0].bytes, 60, &liar, &from),
			 PACKET_ARP_ASK);
	coming[coming_count % FRAMES].length =
		packet_answer(PACKET_ARP_ASK, sent[0].bytes, &liar, &from,
			      coming[coming_count % FRAMES].bytes);
	coming_count++;
	net_poll();
	assert_memory_equal(p->end.mac, router, MAC_SIZE);
	assert_int_equal(net.kinds[PACKET_ARP_TELL], 2);
}

static void who_asks_for_us_is_answered_and_a_few_at_a_time(void **unused)
{
	struct net_end them = {{0x52, 0x55, 10, 0, 2, 2}, 0, 0x0a000202};

	net_init();
	for (uint i = 0; i < POLL_MOST + 3; i++) {
		packet_arp(coming[i].bytes, &them, net.self.ip);
		coming[i].length = 60;
	}
	coming[2].length = 0; /* one was damaged */
	coming_count = POLL_MOST + 3;
	net_poll();
	assert_int_equal(sent_count, POLL_MOST - 1);
	assert_int_equal(coming_at, POLL_MOST);
	net_poll();
	assert_int_equal(sent_count, POLL_MOST + 2);
	assert_int_equal(net.answered, POLL_MOST + 2);
	assert_int_equal(net.kinds[PACKET_BAD], 1);
}

static void what_the_card_says_is_handed_on(void **unused)
{
	struct net_peer *p;

	net_init();
	p = peer(0x0a000202);
	assert_true(net_wait(p));
	send_error = -EAGAIN;
	assert_int_equal(net_send(p, "x", 1), -EAGAIN);
	send_error = -ENODEV;
	assert_int_equal(net_send(p, "x", 1), -ENODEV);
}

static void what_is_stopped_does_no_dma_and_is_gone(void **unused)
{
	struct net_peer *p;

	net_stop();
	assert_int_equal(stopped, 0);
	net_init();
	p = peer(0x0a000202);
	assert_true(net_wait(p));
	net_stop();
	assert_int_equal(stopped, 1);
	assert_int_equal(net_send(p, "x", 1), -ENODEV);
	net_poll();
	net_stop();
	assert_int_equal(stopped, 1);
}

#define TEST(function) cmocka_unit_test_setup(function, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_the_setting_no_card_is_touched),
		TEST(without_an_address_the_cards_are_left_alone),
		TEST(the_card_that_is_stopped_is_hidden),
		TEST(a_card_that_is_not_there_is_no_network),
		TEST(a_neighbour_is_asked_for_and_then_sent_to),
		TEST(who_is_far_is_reached_by_the_gateway),
		TEST(without_a_gateway_everybody_is_near),
		TEST(a_hop_by_a_setting_is_never_asked_for),
		TEST(all_on_the_network_are_reached_at_once),
		TEST(who_does_not_answer_is_waited_for_and_not_for_long),
		TEST(a_link_that_comes_late_is_waited_for),
		TEST(without_a_link_nobody_waits_for_ever),
		TEST(an_old_answer_is_used_while_a_new_one_is_asked_for),
		TEST(what_nobody_asked_for_is_not_believed),
		TEST(who_asks_for_us_is_answered_and_a_few_at_a_time),
		TEST(what_the_card_says_is_handed_on),
		TEST(what_is_stopped_does_no_dma_and_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

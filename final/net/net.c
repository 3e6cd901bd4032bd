/*
 * Our station on the network: who we are, how a receiver is reached, and what
 * is answered.
 *
 * A receiver on our own network is reached by its MAC address, any other by
 * that of the gateway: its next hop. Whose address that is, ARP tells, if no
 * setting does. The answer is waited for before the guest runs, and at a panic;
 * in between nobody waits: the old address is used until a new one is heard.
 * Book: chapter 14.
 */
#include "net/net.h"

#include "boot/settings.h"
#include "console/printf.h"
#include "iommu/iommu.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "net/nic.h"
#include "pci/hide.h"
#include "settings/types.h"
#include "smp/delay.h"

#define OUR_PORT 6665 /* that datagrams come from; netconsole's */

#define POLL_MOST 16   /* frames that one look takes in */
#define WAIT_MOST 5000 /* milliseconds, */
#define ASK_EACH  500  /* with so many between two questions */

/* In TSC cycles, whose frequency is not known: a quarter of a second between
 * two questions, half a minute until an answer is old, or so. */
#define ASK_AGAIN (1UL << 29)
#define OLD       (1UL << 36)

static struct net_state net;
static struct net_peer *peers;
static u8 fixed_hop[MAC_SIZE]; /* net.mac=; all 0: there is none */

/* Not on the stack, for which they are large. */
static u8 incoming[FRAME_MAX], outgoing[FRAME_MAX];

static bool is_choice(const struct setting *setting, const char *text,
		      size_t length)
{
	struct nic_choice choice;

	return !nic_parse(text, length, &choice);
}

static void print_choices(const struct setting *setting)
{
	printf("=off|on|BB:DD.F|MAC address");
}

static const struct setting_type choice_of_card = {is_choice, print_choices};

SETTING(net_setting, .name = "net", .type = &choice_of_card, .initial = "off",
	.help = "the network card that Vellum takes; on: the first it knows");
SETTING(ip_setting, .name = "net.ip", .type = &ipv4_type,
	.help = "Vellum's address on the network");
SETTING(prefix_setting, .name = "net.prefix", .type = &number_type, .max = 32,
	.initial = "24", .help = "how many bits of it are the network's");
SETTING(gateway_setting, .name = "net.gateway", .type = &ipv4_type,
	.help = "who leads to other networks");
SETTING(mac_setting, .name = "net.mac", .type = &mac_type,
	.help = "of the next hop to all receivers, if ARP is not to ask");

/* False: there is no network to be. */
static bool read_settings(struct nic_choice *choice)
{
	size_t length;
	const char *text = setting_text(&net_setting, &length);

	if (!text || nic_parse(text, length, choice) || choice->by == NIC_NONE)
		return false;
	if (!setting_ipv4(&ip_setting, &net.self.ip, NULL)) {
		printf("net: there is no net.ip=: all cards are left alone\n");
		return false;
	}
	if (!ip_is_single(net.self.ip)) {
		printf("net: net.ip= is no address of a machine: all cards are "
		       "left alone\n");
		return false;
	}
	net.prefix = setting_number(&prefix_setting, 24);
	setting_ipv4(&gateway_setting, &net.gateway, NULL);
	setting_mac(&mac_setting, fixed_hop);
	return true;
}

void net_init(void)
{
	struct nic_choice choice;

	if (!read_settings(&choice))
		return;
	net.nic = nic_open(&choice);
	if (!net.nic)
		return;
	if (!pci_hide(&net.nic->pci, "net")) {
		net_stop();
		return;
	}
	if (CONFIG_IOMMU)
		iommu_own(&net.nic->pci, net.nic->memory, net.nic->size);
	memcpy(net.self.mac, net.nic->mac, MAC_SIZE);
	net.self.port = OUR_PORT;
	printf("net: " IP_FORMAT "/%u", IP_ARGS(net.self.ip), net.prefix);
	if (net.gateway)
		printf(", gateway " IP_FORMAT, IP_ARGS(net.gateway));
	printf("\n");
}

static u32 network_mask(void)
{
	return net.prefix ? ~0U << (32 - net.prefix) : 0;
}

/* For everybody on our network; of a network of one or two there is no such
 * address (RFC 3021). */
static bool is_broadcast(u32 ip)
{
	u32 mask = network_mask();

	return ip == ~0U || (net.prefix < 31 && !((ip ^ net.self.ip) & mask) &&
			     (ip | mask) == ~0U);
}

void net_peer_init(struct net_peer *peer, u32 ip, u16 port)
{
	const u8 *mac = mac_is_single(fixed_hop) ? fixed_hop : NULL;
	bool is_near = !((ip ^ net.self.ip) & network_mask());

	if (is_broadcast(ip))
		mac = mac_everybody;
	*peer = (struct net_peer){
		.end = {.ip = ip, .port = port},
		.hop = mac                       ? 0
		       : is_near || !net.gateway ? ip
						 : net.gateway,
		.known = mac,
		.next = peers,
	};
	if (mac)
		memcpy(peer->end.mac, mac, MAC_SIZE);
	peers = peer;
}

static void send_question(struct net_peer *peer)
{
	peer->asked = rdtsc();
	nic_send(net.nic, outgoing, packet_arp(outgoing, &net.self, peer->hop));
}

/* Ask for @peer's next hop, if that is not known well, and not just before. */
static void ask(struct net_peer *peer)
{
	u64 now = rdtsc();

	if (peer->hop && (!peer->known || now - peer->heard > OLD) &&
	    (!peer->asked || now - peer->asked > ASK_AGAIN))
		send_question(peer);
}

/* Only who was asked is believed. On this network anyone can answer. */
static void learn(const struct net_end *from)
{
	for (struct net_peer *peer = peers; peer; peer = peer->next)
		if (peer->hop == from->ip && peer->asked) {
			memcpy(peer->end.mac, from->mac, MAC_SIZE);
			peer->known = true;
			peer->heard = rdtsc();
			peer->asked = 0;
		}
}

static void take_in(size_t length)
{
	struct net_end from;
	enum packet_kind kind = packet_read(incoming, length, &net.self, &from);
	size_t answer;

	net.kinds[kind]++;
	if (kind == PACKET_ARP_TELL)
		learn(&from);
	answer = packet_answer(kind, incoming, &net.self, &from, outgoing);
	if (answer && !nic_send(net.nic, outgoing, answer))
		net.answered++;
}

void net_poll(void)
{
	for (uint i = 0; net.nic && i < POLL_MOST; i++) {
		int length = nic_receive(net.nic, incoming, sizeof(incoming));

		if (!length || length == -ENODEV)
			return;
		if (length > 0)
			take_in(length);
		else
			net.kinds[PACKET_BAD]++;
	}
}

bool net_wait(struct net_peer *peer)
{
	uint next = 0;

	for (uint ms = 0; ms < WAIT_MOST && !net_is_lost(); ms++) {
		if (nic_link(net.nic)) {
			if (!peer->known && ms >= next) {
				send_question(peer);
				next = ms + ASK_EACH;
			}
			net_poll();
			if (peer->known)
				return true;
		}
		delay(1000);
	}
	return false;
}

int net_send(struct net_peer *peer, const void *payload, size_t length)
{
	int error;

	if (!net.nic || net.nic->lost)
		return -ENODEV;
	if (!nic_link(net.nic))
		return -EAGAIN;
	ask(peer);
	if (!peer->known)
		return -EAGAIN;
	length = packet_udp(outgoing, &net.self, &peer->end, payload, length);
	error = nic_send(net.nic, outgoing, length);
	return error == -ENODEV ? error : error ? -EAGAIN : 0;
}

bool net_has_link(void)
{
	return net.nic && nic_link(net.nic);
}

bool net_is_lost(void)
{
	return net.nic && net.nic->lost;
}

void net_flush(void)
{
	if (net.nic)
		nic_drain(net.nic);
}

void net_recover(void)
{
	if (net.nic)
		nic_restore(net.nic);
}

void net_wake(void)
{
	int error;

	if (!net.nic)
		return;
	error = nic_wake(net.nic);
	printf("net: the card %s after the sleep\n",
	       error ? "does not answer any more" : "is back");
}

void net_stop(void)
{
	if (!net.nic)
		return;
	nic_drain(net.nic);
	nic_stop(net.nic);
	net.nic = NULL;
}

const struct net_state *net_state(void)
{
	return &net;
}

/*
 * Making packets, and reading those that come in.
 *
 * Fields are read and written byte by byte at their offsets: they stand in
 * network order, which is not ours, and at odd places. Sources: RFC 826 (ARP),
 * 791 (IPv4), 768 (UDP), 792 (ICMP), 1071 (the sum), 1122 (what hosts must do).
 * Book: chapter 14.
 */
#include "net/packet.h"

#include "lib/string.h"

/* Ethernet */
#define ETH_TO       0
#define ETH_FROM     6
#define ETH_TYPE     12
#define ETH_SIZE     14
#define FRAME_FILLED 60 /* what is shorter is filled up: 64 with the CRC */
#define TYPE_IPV4    0x0800
#define TYPE_ARP     0x0806

/* ARP, behind that: of Ethernet and IPv4 there is one form. */
#define ARP_FORM     14 /* 8 bytes up to the operation */
#define ARP_ASK      1
#define ARP_TELL     2
#define ARP_OP       20
#define ARP_FROM_MAC 22
#define ARP_FROM_IP  28
#define ARP_TO_MAC   32
#define ARP_TO_IP    38
#define ARP_END      42

static const u8 arp_form[] = {0, 1, TYPE_IPV4 >> 8, 0, MAC_SIZE, 4};

/* IPv4, from the start of its header */
#define IP_VERSION   0 /* and the header's length, in units of 4 bytes */
#define IP_LENGTH    2 /* header and all behind it */
#define IP_FRAGMENT  6
#define IP_TTL       8
#define IP_PROTOCOL  9
#define IP_SUM       10
#define IP_FROM      12
#define IP_TO        16
#define IP_SIZE      20
#define V4_NO_OPTION 0x45
#define DONT         0x4000 /* fragment; then no identification is needed */
#define IS_FRAGMENT  0x3fff /* more of them, or not the first */
#define TTL          64
#define ICMP         1
#define UDP          17

/* UDP and ICMP, from the start of theirs */
#define UDP_FROM    0
#define UDP_TO      2
#define UDP_LENGTH  4
#define UDP_SUM     6
#define UDP_SIZE    8
#define ICMP_TYPE   0
#define ICMP_CODE   1
#define ICMP_SUM    2
#define ICMP_SIZE   8
#define ECHO        8
#define ECHO_ANSWER 0

const u8 mac_everybody[MAC_SIZE] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static u16 get16(const u8 *at)
{
	return at[0] << 8 | at[1];
}

static u32 get32(const u8 *at)
{
	return (u32)get16(at) << 16 | get16(at + 2);
}

static void put16(u8 *at, u16 value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void put32(u8 *at, u32 value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

bool mac_is_single(const u8 *mac)
{
	static const u8 none[MAC_SIZE];

	return !(mac[0] & 1) && memcmp(mac, none, MAC_SIZE);
}

/* 0.x is nobody yet, 127.x oneself, 224.x and above are groups. */
bool ip_is_single(u32 ip)
{
	u8 first = ip >> 24;

	return first && first != 127 && first < 224;
}

/* The sum of 16-bit words, with @sum of others before it; not yet folded. */
static u64 add_words(u64 sum, const u8 *at, size_t length)
{
	for (; length > 1; at += 2, length -= 2)
		sum += get16(at);
	return length ? sum + (at[0] << 8) : sum;
}

/* What makes the sum of all words, itself included, come out as "nothing". */
static u16 checksum(u64 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static void put_ethernet(u8 *frame, const u8 *to, const u8 *from, u16 type)
{
	memcpy(frame + ETH_TO, to, MAC_SIZE);
	memcpy(frame + ETH_FROM, from, MAC_SIZE);
	put16(frame + ETH_TYPE, type);
}

/* Fill up with zeros, not with what was in the buffer before. */
static size_t fill_up(u8 *frame, size_t length)
{
	if (length >= FRAME_FILLED)
		return length;
	memset(frame + length, 0, FRAME_FILLED - length);
	return FRAME_FILLED;
}

/* The headers in front of @length bytes of @protocol, which stand there. */
static size_t put_ipv4(u8 *frame, const struct net_end *from,
		       const struct net_end *to, u8 protocol, size_t length)
{
	u8 *ip = frame + ETH_SIZE;

	put_ethernet(frame, to->mac, from->mac, TYPE_IPV4);
	memset(ip, 0, IP_SIZE);
	ip[IP_VERSION] = V4_NO_OPTION;
	put16(ip + IP_LENGTH, IP_SIZE + length);
	put16(ip + IP_FRAGMENT, DONT);
	ip[IP_TTL] = TTL;
	ip[IP_PROTOCOL] = protocol;
	put32(ip + IP_FROM, from->ip);
	put32(ip + IP_TO, to->ip);
	put16(ip + IP_SUM, checksum(add_words(0, ip, IP_SIZE)));
	return fill_up(frame, ETH_SIZE + IP_SIZE + length);
}

/* UDP's sum is also over parts of the IP header; 0 would say there is none. */
size_t packet_udp(u8 *frame, const struct net_end *from,
		  const struct net_end *to, const void *payload, size_t length)
{
	u8 *udp = frame + ETH_SIZE + IP_SIZE;
	u64 pseudo = (u64)(from->ip >> 16) + (from->ip & 0xffff) +
		     (to->ip >> 16) + (to->ip & 0xffff) + UDP;
	u16 sum;

	length = MIN(length, UDP_MAX);
	put16(udp + UDP_FROM, from->port);
	put16(udp + UDP_TO, to->port);
	put16(udp + UDP_LENGTH, UDP_SIZE + length);
	put16(udp + UDP_SUM, 0);
	memcpy(udp + UDP_SIZE, payload, length);
	length += UDP_SIZE;
	sum = checksum(add_words(pseudo + length, udp, length));
	put16(udp + UDP_SUM, sum ? sum : 0xffff);
	return put_ipv4(frame, from, to, UDP, length);
}

static size_t put_arp(u8 *frame, u16 operation, const struct net_end *self,
		      const u8 *to, const u8 *target_mac, u32 target_ip)
{
	put_ethernet(frame, to, self->mac, TYPE_ARP);
	memcpy(frame + ARP_FORM, arp_form, sizeof(arp_form));
	put16(frame + ARP_OP, operation);
	memcpy(frame + ARP_FROM_MAC, self->mac, MAC_SIZE);
	put32(frame + ARP_FROM_IP, self->ip);
	memcpy(frame + ARP_TO_MAC, target_mac, MAC_SIZE);
	put32(frame + ARP_TO_IP, target_ip);
	return fill_up(frame, ARP_END);
}

size_t packet_arp(u8 *frame, const struct net_end *self, u32 ip)
{
	static const u8 unknown[MAC_SIZE];

	return put_arp(frame, ARP_ASK, self, mac_everybody, unknown, ip);
}

/* A sender's IP of 0 belongs to who asks whether an address is free (RFC 5227):
 * that is answered as well. */
static enum packet_kind read_arp(const u8 *frame, size_t length,
				 const struct net_end *self,
				 struct net_end *from)
{
	u16 operation;

	if (length < ARP_END)
		return PACKET_BAD;
	if (memcmp(frame + ARP_FORM, arp_form, sizeof(arp_form)))
		return PACKET_OTHER; /* of another network or protocol */
	memcpy(from->mac, frame + ARP_FROM_MAC, MAC_SIZE);
	from->ip = get32(frame + ARP_FROM_IP);
	operation = get16(frame + ARP_OP);
	if (!mac_is_single(from->mac) || (from->ip && !ip_is_single(from->ip)))
		return PACKET_BAD;
	if (from->ip == self->ip)
		return PACKET_CONFLICT;
	if (get32(frame + ARP_TO_IP) != self->ip)
		return PACKET_OTHER;
	if (operation == ARP_ASK)
		return PACKET_ARP_ASK;
	return operation == ARP_TELL && from->ip &&
			       !memcmp(frame + ETH_TO, self->mac, MAC_SIZE)
		       ? PACKET_ARP_TELL
		       : PACKET_OTHER;
}

/* Only a ping that came to us alone: one to everybody could have many answer
 * to a victim. Options and fragments: we say nothing. */
static enum packet_kind read_ipv4(const u8 *frame, size_t length,
				  const struct net_end *self,
				  struct net_end *from)
{
	const u8 *ip = frame + ETH_SIZE, *icmp = ip + IP_SIZE;
	size_t size;

	if (length < ETH_SIZE + IP_SIZE)
		return PACKET_BAD;
	if (memcmp(frame + ETH_TO, self->mac, MAC_SIZE) ||
	    get32(ip + IP_TO) != self->ip || ip[IP_VERSION] != V4_NO_OPTION ||
	    ip[IP_PROTOCOL] != ICMP || get16(ip + IP_FRAGMENT) & IS_FRAGMENT)
		return PACKET_OTHER;
	size = get16(ip + IP_LENGTH);
	if (size > length - ETH_SIZE || size < IP_SIZE + ICMP_SIZE ||
	    checksum(add_words(0, ip, IP_SIZE)))
		return PACKET_BAD;
	size -= IP_SIZE;
	if (icmp[ICMP_TYPE] != ECHO || icmp[ICMP_CODE])
		return PACKET_OTHER;
	memcpy(from->mac, frame + ETH_FROM, MAC_SIZE);
	from->ip = get32(ip + IP_FROM);
	if (checksum(add_words(0, icmp, size)) || !mac_is_single(from->mac) ||
	    !ip_is_single(from->ip) || from->ip == self->ip)
		return PACKET_BAD;
	return PACKET_ECHO;
}

enum packet_kind packet_read(const u8 *frame, size_t length,
			     const struct net_end *self, struct net_end *from)
{
	if (length < ETH_SIZE || length > FRAME_MAX)
		return PACKET_BAD;
	switch (get16(frame + ETH_TYPE)) {
	case TYPE_ARP:
		return read_arp(frame, length, self, from);
	case TYPE_IPV4:
		if (CONFIG_NET_ICMP)
			return read_ipv4(frame, length, self, from);
	}
	return PACKET_OTHER;
}

/* The answer has all the data of the question (RFC 1122, 3.2.2.6). */
static size_t answer_echo(const u8 *frame, const struct net_end *self,
			  const struct net_end *from, u8 *answer)
{
	size_t size = get16(frame + ETH_SIZE + IP_LENGTH) - IP_SIZE;
	u8 *icmp = answer + ETH_SIZE + IP_SIZE;

	memcpy(icmp, frame + ETH_SIZE + IP_SIZE, size);
	icmp[ICMP_TYPE] = ECHO_ANSWER;
	put16(icmp + ICMP_SUM, 0);
	put16(icmp + ICMP_SUM, checksum(add_words(0, icmp, size)));
	return put_ipv4(answer, self, from, ICMP, size);
}

size_t packet_answer(enum packet_kind kind, const u8 *frame,
		     const struct net_end *self, const struct net_end *from,
		     u8 *answer)
{
	switch (kind) {
	case PACKET_ARP_ASK:
		return put_arp(answer, ARP_TELL, self, from->mac, from->mac,
			       from->ip);
	case PACKET_ECHO:
		if (CONFIG_NET_ICMP)
			return answer_echo(frame, self, from, answer);
		/* fall through */
	default:
		return 0;
	}
}

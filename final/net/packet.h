/*
 * Packets, as much of them as a log needs that is sent over Ethernet: ARP, and
 * of IPv4 what UDP and a ping take. All of it is pure, over buffers.
 *
 *	| Ethernet 14 | IPv4 20 | UDP 8 | payload     |
 *	| Ethernet 14 | IPv4 20 | ICMP 8 | any data   |
 *	| Ethernet 14 | ARP 28                        |
 *
 * What comes in is hostile: anyone on the network may send anything. No length
 * in it is believed before it was held against what has really arrived.
 * Book: chapter 14.
 */
#ifndef NET_PACKET_H
#define NET_PACKET_H

#include "lib/types.h"
#include "net/nic.h"

#define UDP_HEADERS (14 + 20 + 8)
#define UDP_MAX     (FRAME_MAX - UDP_HEADERS) /* bytes of payload */

/* One end of a conversation. */
struct net_end {
	u8 mac[MAC_SIZE];
	u16 port; /* of UDP */
	u32 ip;   /* the first number of a.b.c.d is the highest byte */
};

#define IP_FORMAT "%u.%u.%u.%u"
/* The four arguments of that. */
#define IP_ARGS(ip) \
	(u8)((ip) >> 24), (u8)((ip) >> 16), (u8)((ip) >> 8), (u8)(ip)
#define MAC_FORMAT    "%02x:%02x:%02x:%02x:%02x:%02x"
#define MAC_ARGS(mac) (mac)[0], (mac)[1], (mac)[2], (mac)[3], (mac)[4], (mac)[5]

/* Everybody on this network. */
extern const u8 mac_everybody[MAC_SIZE];

/* Is it the address of one station: not of a group, not of none? */
bool mac_is_single(const u8 *mac);
bool ip_is_single(u32 ip);

/*
 * Make a UDP datagram in @frame, which has room for FRAME_MAX bytes, of the
 * @length bytes at @payload; of more than UDP_MAX, the first. Returns the
 * frame's length.
 */
size_t packet_udp(u8 *frame, const struct net_end *from,
		  const struct net_end *to, const void *payload, size_t length);

/* Make in @frame the question to all who has @ip. Returns its length. */
size_t packet_arp(u8 *frame, const struct net_end *self, u32 ip);

/* What has come in. */
enum packet_kind {
	PACKET_OTHER,    /* nothing for us */
	PACKET_BAD,      /* damaged, or made to deceive */
	PACKET_ARP_ASK,  /* who has our address? */
	PACKET_ARP_TELL, /* who has another's, told to us */
	PACKET_ECHO,     /* a ping for us */
	PACKET_CONFLICT, /* somebody else claims our address */
	PACKET_KINDS
};

/*
 * What the @length bytes at @frame are to @self. Of ARP, and of a ping, the
 * sender goes to *@from.
 */
enum packet_kind packet_read(const u8 *frame, size_t length,
			     const struct net_end *self, struct net_end *from);

/*
 * Make in @answer, of FRAME_MAX bytes, the answer to @frame, in which
 * packet_read() has found @kind and @from. Returns its length; 0: there is
 * none.
 */
size_t packet_answer(enum packet_kind kind, const u8 *frame,
		     const struct net_end *self, const struct net_end *from,
		     u8 *answer);

#endif

/*
 * The network: one card, which is Vellum's alone, and what goes over it. Its
 * one use is the log (net/log.h). Nothing of it is there unless the setting
 * net= says so.
 *
 * A guest that has settled makes no exits, so nothing of ours runs that could
 * poll: Vellum sends when it logs something, and looks at what has come in when
 * it runs anyway. So ARP and pings are answered while it starts, with each line
 * that it logs, and in the panic shell.
 *
 * There are no locks here: whoever calls holds console_lock, or is alone, as
 * CPU 0 is in its start-up and any CPU in its panic. Nothing but net_init()
 * prints, since it would be in the midst of a printf. Book: chapter 14.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "lib/types.h"
#include "net/packet.h"

/* Somebody to send to, and by way of whom. */
struct net_peer {
	struct net_end end; /* where it is; its MAC address: the next hop's */
	u32 hop;            /* the next hop's IP address; 0: nobody is asked */
	bool known;         /* so is its MAC address */
	u64 asked, heard;   /* when we last asked for it, and got it: TSC */
	struct net_peer *next;
};

/*
 * Find the card that the settings name, take it, hide it from the guest, and
 * give it our addresses. Prints what came of it. CPU 0, once, in phase device.
 */
void net_init(void);

/* Let @peer be at @ip and @port; how it is reached, the settings say. From then
 * on it is in the list that answers of ARP are for. Once for each @peer. */
void net_peer_init(struct net_peer *peer, u32 ip, u16 port);

/* Wait for the link and for @peer's next hop, 5 seconds at most. False: it
 * can't be sent to (yet). CPU 0 in its start-up, or who panics. */
bool net_wait(struct net_peer *peer);

/*
 * Send @length bytes, UDP_MAX at most, to @peer. Returns 0; -EAGAIN: not now,
 * for want of a link, of room, or of the next hop's address, for which was
 * asked; -ENODEV: there is no card, or it is lost.
 */
int net_send(struct net_peer *peer, const void *payload, size_t length);

/* Is there a card that is lost? */
bool net_is_lost(void);

bool net_has_link(void);

/* Look at what has come in, a few frames at most, and answer. */
void net_poll(void);

/* Wait, not for long, until what was sent is on its way. */
void net_flush(void);

/* At a panic or before a reset, all others stopped: the card and what it reads
 * may have been in the midst of something, or overwritten. */
void net_recover(void);

/* After a sleep that has cost the card all that it was told: have it run again.
 * CPU 0, alone. */
void net_wake(void);

/* Let the card do nothing more, before our memory is somebody else's. CPU 0,
 * where it has come to the end without a guest. */
void net_stop(void);

/* What the command `net' tells. */
struct net_state {
	struct nic *nic; /* NULL: there is no network */
	struct net_end self;
	u8 prefix;               /* bits of our network's number */
	u32 gateway;             /* 0: none */
	u64 kinds[PACKET_KINDS]; /* frames that came in */
	u64 answered;
};

const struct net_state *net_state(void);

#endif

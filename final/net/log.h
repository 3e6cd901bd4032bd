/*
 * The log's way out over the network: each line is a packet of its own, from
 * the first that Vellum ever said to the last before a reset.
 *
 * log.udp=  the line, with its number in front, in a UDP datagram: what
 *           netconsole does, and `nc -u -l' shows
 * log.syslog=  the same as RFC 5424 wants it, for any syslog server
 *
 * Both read the log ring, each at its own pace: what can't be sent is still
 * there for the next attempt, until the ring overwrites it. That is counted,
 * and said in the next packet. Book: chapter 14.
 */
#ifndef NET_LOG_H
#define NET_LOG_H

#include "lib/types.h"
#include "net/net.h"

/* Begin to send, to whom the settings name, what the log has so far and each
 * line from then on. CPU 0, once, after net_init(). */
void net_log_init(void);

/*
 * Answer what has come in and send what has not been sent. At the end of each
 * line it is called by console/log.c; by others where they wait and hold no
 * locks: CPU 0 in its start-up, and in the panic shell.
 */
void net_log_poll(void);

/* What the command `net' tells of receiver @i; false: there are no more. */
struct net_log_state {
	const char *name; /* of the setting; NULL: it was not set */
	const struct net_peer *peer;
	u64 sent, lost; /* messages, characters */
	u64 waiting;    /* characters */
};

bool net_log_state(uint i, struct net_log_state *state);

/* Called at the end of each line, with console_lock held, unless it is NULL.
 * (console/log.c) */
extern void (*log_line_end)(void);

#endif

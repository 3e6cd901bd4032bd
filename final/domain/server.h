/*
 * Receivers of messages that are in Vellum itself. A program opens one by its
 * name, as it would another program, and does not see the difference; what it
 * sends is then handled here in ring 0, with nobody's address to follow.
 *
 *	MSG_SERVER("free", free_memory);
 *
 * Such a function is called on a program's word: it checks all that it is
 * given, and is short, for the guest waits. Who may ask for what is in
 * @thread->rights. It may not enter a domain.
 */
#ifndef DOMAIN_SERVER_H
#define DOMAIN_SERVER_H

#include "domain/abi.h"
#include "domain/domain.h"

/* Vellum's copy of a buffer on its way; NUL bytes are up to the sender. */
struct server_buf {
	void *base;
	u32 length; /* at most MSG_BUF_MAX */
	bool rw;    /* what is written here comes back to the sender, */
	u64 from;   /* who has it there: for message.c alone */
};

struct msg_server {
	const char *name;
	/* @kind is MSG_INT or MSG_BUF; the result is what the sender gets. */
	int (*receive)(struct domain_thread *thread, int kind, int value,
		       struct server_buf *bufs, uint count);
};

#define MSG_SERVER(server_name, function)                                     \
	static const struct msg_server msg_server_##function                  \
		__attribute__((section("msg_servers"), used, aligned(8))) = { \
			.name = (server_name), .receive = (function)}

#endif

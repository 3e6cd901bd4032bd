/*
 * What a domain has for messages, and what the other files of this folder call
 * at a domain's birth and death. See message.c.
 */
#ifndef DOMAIN_MESSAGE_H
#define DOMAIN_MESSAGE_H

#include "domain/abi.h"
#include "domain/server.h"
#include "lib/types.h"

struct mempool;

#define MSG_DESCRIPTORS 8 /* of a domain */
#define MSG_DOMAINS     8 /* of a thread: a program can't take all memory */

/* Whom a domain may send to: one of the two, or neither: a free place. */
struct descriptor {
	const struct msg_server *server;
	struct domain *domain;
};

/* The message that a domain is receiving, and what goes with it. */
struct message {
	struct server_buf buf[MSG_BUFS];
	uint count;
};

/* The part of struct domain that is message.c's. */
struct messages {
	char name[MSG_NAME_MAX + 1]; /* registered, or "" */
	struct descriptor descriptor[MSG_DESCRIPTORS];
	struct mempool *pool;    /* of what is passed to this domain, or NULL */
	struct message received; /* from domain->caller */
};

/*
 * Let the thread go into @to, a domain of its own that is in no message: its
 * program's entry is called with @kind, @value, and what has been received.
 */
void message_enter(struct domain_thread *t, struct domain *to, int kind,
		   int value);

/*
 * The domain that the thread is in ends: the thread goes back to the one that
 * waits for it, which finds @result. Where nobody waits, t->at is NULL: the
 * thread has ended, with @result in t->status. What the domain was to write
 * into its sender's buffers is lost. It may be freed; those who still have it
 * open find -ENOENT.
 */
void message_end(struct domain_thread *t, int result);

/* Free all domains of @t, wherever it is. */
void message_end_all(struct domain_thread *t);

/* System calls: see abi.h. The result is what the caller finds in RAX. */
s64 sys_exit(struct domain_thread *t, const u64 *arg);
s64 sys_reply(struct domain_thread *t, const u64 *arg);
s64 sys_newprocess(struct domain_thread *t, const u64 *arg);
s64 sys_msg_register(struct domain_thread *t, const u64 *arg);
s64 sys_msg_open(struct domain_thread *t, const u64 *arg);
s64 sys_msg_close(struct domain_thread *t, const u64 *arg);
s64 sys_msg_sendint(struct domain_thread *t, const u64 *arg);
s64 sys_msg_sendbuf(struct domain_thread *t, const u64 *arg);

#endif

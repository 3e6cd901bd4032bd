/*
 * A domain, for the files of this folder. They use each other downwards only:
 *
 *	thread.c	threads: start, run, end; faults
 *	syscall.c	system calls
 *	message.c	those that are about messages
 *	domain.c	a domain comes and goes
 *	space.c tables.c
 */
#ifndef DOMAIN_INTERNAL_H
#define DOMAIN_INTERNAL_H

#include "domain/abi.h"
#include "domain/domain.h"
#include "domain/message.h"
#include "domain/program.h"
#include "domain/space.h"
#include "paging/trap.h"

struct domain {
	struct list link; /* on thread->domains */
	struct domain_thread *thread;
	const struct program *program;
	struct space space;
	struct trap_frame regs; /* where it goes on */
	struct domain *caller; /* waits for its reply; NULL: first in a chain */
	struct messages messages;
	bool dead; /* its space is gone */
	bool told; /* at a yield, that somebody wants it to end */
};

/* domain.c */

/* A new domain for @name, on @t->domains. 0, -ENOENT, -ENOMEM, -ENODEV. */
int domain_new(struct domain_thread *t, const char *name, struct domain **d);

/* Free it. The CPU is not in it. */
void domain_free(struct domain *d);

/* Let @d begin at its entry, with @count struct msgbuf at @bufs, which is the
 * lowest byte of its stack that is in use; or PROGRAM_STACK_TOP. */
void domain_prepare(struct domain *d, int kind, int value, u64 bufs,
		    uint count);

/* syscall.c */

/* Do what the thread's last domain asks for. It may be gone after that. */
void domain_syscall(struct domain_thread *t);

/* Print for a person: to the log, and where the thread's programs print. */
void domain_say(struct domain_thread *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif

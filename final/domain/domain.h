/*
 * Protection domains: programs that Vellum runs in ring 3.
 *
 * A thread is a chain of domains: each has sent a message to the next and waits
 * for its reply; the last one runs. All there is to know of it lies in memory,
 * nothing on a CPU's stack: it can stop at any time, and go on on any CPU. One
 * CPU at a time runs threads. Book: chapter 11.
 */
#ifndef DOMAIN_DOMAIN_H
#define DOMAIN_DOMAIN_H

#include "domain/abi.h"
#include "lib/types.h"
#include "page/list.h"

struct domain;
struct domain_thread;

/* Where the programs of a thread print, and whence they read. */
struct thread_io {
	/* @text[@length] is NUL. */
	void (*write)(struct domain_thread *t, const char *text, size_t length);
	bool sees_log; /* who reads that sees what printf prints, too */
	/* A character; -EAGAIN: none yet; -ENODEV: no more will come. */
	int (*read)(struct domain_thread *t);
	/* Is there no room for WRITE_MOST bytes now? NULL: there always is. */
	bool (*full)(struct domain_thread *t);
};

enum thread_stop {
	THREAD_RUNS,
	THREAD_YIELDED, /* its slices are used up, or another CPU runs one */
	THREAD_READS,   /* it waits for input, */
	THREAD_FULL,    /* or for room to write */
	THREAD_ENDED,
};

/* All zero but for the first two before thread_start(). */
struct domain_thread {
	const struct thread_io *io;
	u32 rights;        /* RIGHT_... of abi.h */
	bool interrupted;  /* set by io: Ctrl-C was pressed */
	struct domain *at; /* the last of the chain */
	struct list
		domains; /* of the chain, and those that wait for messages */
	enum thread_stop parked; /* why it can't go on now */
	int status;              /* what the first program has ended with */
	void *command;           /* the shell's (shell/command.c) */
};

/*
 * Make @t run @program, entered with @value. 0; -ENOENT: there is no such
 * program; -ENOMEM; -ENODEV: this CPU can't, or it is too early; -EBUSY:
 * another CPU runs a thread.
 */
int thread_start(struct domain_thread *t, const char *program, int value);

/* Run it until it ends, waits, or has yielded @slices times. */
enum thread_stop thread_run(struct domain_thread *t, uint slices);

/* End it with all of its domains, and free what they have. Waits while another
 * CPU runs a thread: not for longer than its slices take. */
void thread_end(struct domain_thread *t);

/* Once, CPU 0, after mempool_init(). */
void domain_init(void);

/* In a panic: whatever threads there are, forget them. The memory that they had
 * stays where it is. All other CPUs have stopped. */
void domain_panic_reset(void);

/* In a build with TEST=1: on each CPU, and when all have done that. */
void domain_selftest_cpu(void);
void domain_selftest(void);

#endif

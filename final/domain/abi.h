/*
 * What a program in ring 3 and Vellum say to each other. Usable from assembly
 * too.
 *
 *	in:  int $SYSCALL_VECTOR, RAX = number, arguments in RDI RSI RDX R10
 *	out: RAX = a result, or a negative errno; all other registers are kept
 *
 * A program is entered at its first byte with RDI = kind, ESI = value, RDX =
 * struct msgbuf array on its stack, ECX = how many: first for whoever started
 * it, then for each message. SYS_REPLY leaves it. Book: chapter 11.
 */
#ifndef DOMAIN_ABI_H
#define DOMAIN_ABI_H

#define SYSCALL_VECTOR 0x30

#define SYS_EXIT         0 /* code: the program ends */
#define SYS_REPLY        1 /* value: back to who has sent the message */
#define SYS_YIELD        2 /* -EINTR: somebody wants it to end */
#define SYS_WRITE        3 /* text, length up to WRITE_MOST */
#define SYS_READ         4 /* a character; -EINTR; -ENODEV: no more will come */
#define SYS_PANIC        5 /* text, length: why the program ends itself */
#define SYS_NEWPROCESS   6 /* name, length: descriptor of a new domain */
#define SYS_MSG_REGISTER 7 /* name, length */
#define SYS_MSG_OPEN     8 /* name, length: descriptor of who registered it */
#define SYS_MSG_CLOSE    9 /* descriptor */
#define SYS_MSG_SENDINT  10 /* descriptor, value */
#define SYS_MSG_SENDBUF  11 /* descriptor, value, struct msgbuf *, count */
#define SYS_COUNT        12

#define WRITE_MOST   1024 /* bytes of text in one call */
#define MSG_NAME_MAX 31   /* characters of a name */
#define MSG_BUFS     4    /* buffers of one message, */
#define MSG_BUF_MAX  4096 /* of so many bytes each */

/* How many blocks of its code a program runs before it yields. */
#define SLICE_BLOCKS 10000

/* Kinds of messages. */
#define MSG_INT 0 /* a number, */
#define MSG_BUF 1 /* and memory as well */

/* What a thread may do (struct domain_thread), the shell and its commands. */
#define RIGHT_INSPECT 1 /* look into Vellum and its guest */
#define RIGHT_CHANGE  2 /* change their state */

/* With which value the shell is started. */
#define SHELL_INTERACTIVE 0
#define SHELL_ONE         1 /* one line, and no prompt */

/* Values of messages to "command", Vellum's server for the shell. */
#define COMMAND_START   0      /* buffer: words, each with its NUL */
#define COMMAND_NEXT    1      /* go on with it */
#define COMMAND_STOP    2      /* forget it */
#define COMMAND_NAME    0x100  /* + n: name, arguments, help of the n-th */
#define COMMAND_PROGRAM 0x1000 /* + n: name of the n-th program */
#define COMMAND_WORDS   40     /* in one command, at most */

/* Results of COMMAND_START and COMMAND_NEXT. */
#define COMMAND_MORE    1
#define COMMAND_UNKNOWN 2

/* Where a program finds itself. What is not named here is not mapped. */
#define PROGRAM_BASE      0x400000 /* text, rodata, data and bss, */
#define PROGRAM_END       0x5e0000 /* which end before this */
#define PROGRAM_STACK_TOP 0x5f0000
#define PROGRAM_STACK     0x2000
#define PROGRAM_WINDOW    0x5f8000 /* the buffers of a message, a page each */

#ifndef __ASSEMBLER__

struct msgbuf {
	void *base;
	unsigned int len; /* bytes */
	unsigned int rw;  /* not 0: the receiver may change it */
};

#endif
#endif

/*
 * What programs are written with: the library that is linked into each of them.
 *
 * A program runs in ring 3, in an address space of its own, and has nothing but
 * this and what Vellum does for it in a system call. No FPU, no files, one
 * thread. Calls of Vellum return what Vellum returns: negative numbers are
 * errors of lib/errno.h. printf() and its kin are those of console/printf.h:
 * here they print to whoever has started the program.
 * Book: chapter 11.
 */
#ifndef DOMAIN_USER_USER_H
#define DOMAIN_USER_USER_H

#include "console/printf.h"
#include "domain/abi.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/types.h"

/* What receives a message: @kind is MSG_INT or MSG_BUF, @buf an array of @count
 * buffers, which are gone when it returns. What it returns is the reply. */
typedef int message_handler(int kind, int value, struct msgbuf *buf,
			    uint count);

/*
 * The program itself. It is called for the first message, as a C program's
 * main() is: by the shell with the words that followed its name (next_arg), or
 * with MSG_INT when there were none. Later messages, too, come here, unless
 * msgregister() has named another function.
 */
message_handler program;

/*
 * What `help` shows of the program, for people: the words that it takes, and in
 * half a line what it does. Each program has one.
 */
#define PROGRAM_HELP(args, text) const char program_help[] = args "\0" text

/* Every call of Vellum is this one; @number is one of enum system_call. */
long system_call(long number, u64 a, u64 b, u64 c, u64 d);

/* End this program. Who waits for its reply gets @code. */
void exitprocess(int code) __noreturn;

/* End this program, and have Vellum print "panic in process: @text". */
void panic_process(const char *text) __noreturn;

/*
 * Ctrl-C ends a program, in whatever call of these it is, or in a loop. From
 * now on it does not: the program looks for it itself.
 */
void keep_interrupts(void);

/* Let other work be done. Has Ctrl-C been pressed since the last call? */
bool interrupted(void);

/* The next character of input, waiting for it; -ENODEV when there will be no
 * more, -EINTR after Ctrl-C. */
int readchar(void);

/* Write @length characters as they are. */
void write_text(const char *text, size_t length);

/* What an error number, negative or not, means, for people. */
const char *error_text(int error);

/* --- messages */

/* A descriptor of a new domain that will run the program @name. */
int newprocess(const char *name);

/* From now on messages that others send to @name call @handler. */
int msgregister(const char *name, message_handler *handler);

/* A descriptor of who has registered @name: a program, or Vellum itself. */
int msgopen(const char *name);

/* Give a descriptor back. A domain of newprocess() that has registered no name
 * ends with it. */
int msgclose(int desc);

/* Send a number, or with it up to MSG_BUFS buffers, and wait for the reply.
 * What the receiver writes into a buffer with rw set is there afterwards. */
int msgsendint(int desc, int value);
int msgsendbuf(int desc, int value, struct msgbuf *buf, uint count);

/*
 * Have Vellum run a command (shell/command.h), which prints to who has started
 * this program: @words are those of its line, each with a NUL behind it, with
 * @length bytes in all. Its result; COMMAND_UNKNOWN where there is none,
 * -EINTR after Ctrl-C.
 */
int command(const char *words, uint length);

/*
 * The words that a program was started with, one after the other: *@at is 0 at
 * first. NULL: there are no more.
 */
const char *next_arg(const struct msgbuf *buf, size_t *at);

/* --- memory */

/*
 * The memory of alloc() is an array that the program declares:
 *
 *	int heap[1024], heaplen = 1024;
 */
extern int heap[], heaplen;

/* At least @n bytes, aligned to 16, whatever was in them. A program that asks
 * for more than it has ends: "panic in process: out of memory". */
void *alloc(uint n);

/* Make the area at @p at least @n bytes long, elsewhere if need be. A @p of
 * NULL means alloc(@n); an @n of 0 means free(@p), and NULL is returned. */
void *realloc(void *p, uint n);

/* Give an area back. NULL is allowed; any other address that alloc() has not
 * returned, or a second time, ends the program. */
void free(void *p);

#endif

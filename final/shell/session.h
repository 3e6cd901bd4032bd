/*
 * The debug shell's session: one thread of domains, parked between the
 * hypercalls that its client makes, whichever CPU each comes from.
 *
 *	         open                      the shell ends
 *	closed ---------> in use --------------------------> ended
 *	  ^ ^              |  |                                |
 *	  | +----- close --+  +-- SESSION_DEAD cycles without  |
 *	  |                       a call: the next who opens   |
 *	  |                       takes it over                |
 *	  +------ close (once the client has read the rest) ---+
 *
 * Every call is short: it runs the thread for one slice, or hands a piece of
 * output over. None waits: who comes while another CPU is here gets -EAGAIN.
 * So neither this CPU's guest nor another's exits are held up.
 */
#ifndef SHELL_SESSION_H
#define SHELL_SESSION_H

#include "lib/types.h"

/* Bytes that one call takes or gives at most: what fits into registers. */
#define SESSION_TEXT_IN  16
#define SESSION_TEXT_OUT 32

/* A byte that is not read, but ends what runs. */
#define SESSION_CTRL_C 3

/* A client that lives calls at least twice a second. The TSC's frequency is
 * not known: these are 4 seconds at 4 GHz and 17 at 1 GHz. */
#define SESSION_DEAD (1UL << 34)

enum session_state {
	SESSION_MORE,  /* call session_run() again: there is more to do */
	SESSION_READS, /* it waits for input, and all output was fetched */
	SESSION_ENDED, /* and all output was fetched: close it */
};

struct session_reply {
	char text[SESSION_TEXT_OUT];
	uint length;
	enum session_state state;
	int status; /* SESSION_ENDED: 0, or a negative errno */
	bool lost;  /* output came that there was no room for */
};

/*
 * Begin a session with @rights (domain/domain.h). *@id is its number: it keeps
 * a client whose session is over from going on in another's, and is no secret,
 * because a session belongs to the door that it came through: to call with
 * other rights than those that opened it is -EPERM. Who has rights takes it
 * over from who has none.
 *
 * @value goes to the first program: SHELL_INTERACTIVE or SHELL_ONE.
 * -EBUSY: another has it, and was last heard *@silence TSC cycles ago.
 * -EAGAIN: another CPU is in here; also from all others below.
 * Else what thread_start() returns.
 */
int session_open(u32 rights, int value, u64 *id, u64 *silence);

/* Input, of at most @length bytes. How many there was room for, or -ENOENT:
 * there is no such session (any more). */
int session_write(u32 rights, u64 id, const char *text, uint length);

/* Let the session's programs run for a while; their output. 0 or -ENOENT. */
int session_run(u32 rights, u64 id, struct session_reply *reply);

/* End its programs. 0 or -ENOENT. */
int session_close(u32 rights, u64 id);

#endif

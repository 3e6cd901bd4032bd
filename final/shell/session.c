/*
 * The debug shell's session. See session.h for its states. Book: chapter 12.
 */
#include "shell/session.h"

#include "domain/domain.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"

/* A program may write OUTPUT_ROOM bytes before it is asked again whether there
 * is room; so much is kept free for it. */
#define INPUT_SIZE  256
#define OUTPUT_SIZE 4096
#define OUTPUT_ROOM 2048

/* Bytes between two who never meet: both come with the session taken. */
struct ring {
	u32 first, used;
};

/* All but `taken` is for whoever has taken it. */
static struct {
	bool taken;
	u64 id;      /* 0: closed */
	u64 last_id; /* of all that there were */
	u64 heard;   /* TSC at the client's last call */
	bool ended;  /* its programs are gone: output may be left */
	bool reads;  /* it waited for input when it last ran */
	bool lost;   /* see session_reply */
	int status;  /* SESSION_ENDED */
	struct domain_thread thread;
	struct ring in, out;
	char input[INPUT_SIZE], output[OUTPUT_SIZE];
} session;

/* How many of @length bytes there was room for, in a ring of @size bytes. */
static uint ring_put(struct ring *ring, char *bytes, uint size,
		     const char *text, uint length)
{
	uint i;

	for (i = 0; i < length && ring->used < size; i++)
		bytes[(ring->first + ring->used++) % size] = text[i];
	return i;
}

static uint ring_get(struct ring *ring, const char *bytes, uint size,
		     char *text, uint length)
{
	uint i;

	for (i = 0; i < length && ring->used; i++, ring->used--) {
		text[i] = bytes[ring->first];
		ring->first = (ring->first + 1) % size;
	}
	return i;
}

static void write_output(struct domain_thread *t, const char *text,
			 size_t length)
{
	if (ring_put(&session.out, session.output, OUTPUT_SIZE, text, length) !=
	    length)
		session.lost = true;
}

static int read_input(struct domain_thread *t)
{
	char c;

	return ring_get(&session.in, session.input, INPUT_SIZE, &c, 1)
		       ? (u8)c
		       : -EAGAIN;
}

static bool output_is_full(struct domain_thread *t)
{
	return OUTPUT_SIZE - session.out.used < OUTPUT_ROOM;
}

static const struct thread_io session_io = {
	.write = write_output,
	.read = read_input,
	.full = output_is_full,
};

/* Not a lock: nobody waits for it, so a client that loses comes again. */
static bool take(void)
{
	return !__atomic_exchange_n(&session.taken, true, __ATOMIC_ACQUIRE);
}

static void leave(void)
{
	__atomic_store_n(&session.taken, false, __ATOMIC_RELEASE);
}

/* TSC cycles since the client's last call. The CPUs' counters may differ by a
 * little, and a guest may set them back: then it begins anew. */
static u64 cycles_of_silence(void)
{
	u64 now = rdtsc();

	if (now < session.heard)
		session.heard = now;
	return now - session.heard;
}

/* The session is @id's, called with the right @rights; and has just been. */
static int check_client(u32 rights, u64 id)
{
	if (!id || session.id != id)
		return -ENOENT;
	if (session.thread.rights != rights)
		return -EPERM;
	session.heard = rdtsc();
	return 0;
}

/* take(), for a client of a session. */
static int take_session(u32 rights, u64 id)
{
	int error;

	if (!take())
		return -EAGAIN;
	error = check_client(rights, id);
	if (error)
		leave();
	return error;
}

static void end_thread(void)
{
	thread_end(&session.thread);
	session.ended = true;
}

static void close_session(void)
{
	if (!session.ended)
		end_thread();
	session.id = 0;
}

/* An unprivileged user must not be able to keep root out. */
static bool may_take_over(u32 rights, u64 silence)
{
	return silence >= SESSION_DEAD || (rights && !session.thread.rights);
}

static int start_session(u32 rights, int value)
{
	int error;

	session.thread = (struct domain_thread){
		.io = &session_io,
		.rights = rights,
	};
	session.in = session.out = (struct ring){0, 0};
	session.ended = session.reads = session.lost = false;
	session.status = 0;
	error = thread_start(&session.thread, "init", value);
	if (error)
		return error == -EBUSY ? -EAGAIN : error;
	session.id = ++session.last_id;
	session.heard = rdtsc();
	return 0;
}

int session_open(u32 rights, int value, u64 *id, u64 *silence)
{
	int error = -EBUSY;

	if (!take())
		return -EAGAIN;
	*silence = session.id ? cycles_of_silence() : 0;
	if (session.id && may_take_over(rights, *silence))
		close_session();
	if (!session.id)
		error = start_session(rights, value);
	*id = error ? 0 : session.id;
	leave();
	return error;
}

/* What was typed ahead was not meant for what comes after Ctrl-C. */
static void interrupt(void)
{
	session.in.used = 0;
	session.thread.interrupted = true;
}

int session_write(u32 rights, u64 id, const char *text, uint length)
{
	int error = take_session(rights, id);
	uint i;

	if (error)
		return error;
	for (i = 0; i < length; i++)
		if (text[i] == SESSION_CTRL_C)
			interrupt();
		else if (!ring_put(&session.in, session.input, INPUT_SIZE,
				   &text[i], 1))
			break;
	session.reads = false; /* before it waits again it must have looked */
	leave();
	return i;
}

static void run_thread(void)
{
	enum thread_stop stop = thread_run(&session.thread, 1);

	session.reads = stop == THREAD_READS;
	if (stop != THREAD_ENDED)
		return;
	session.status = session.thread.status;
	end_thread();
}

static enum session_state state_of_session(void)
{
	if (session.out.used)
		return SESSION_MORE;
	if (session.ended)
		return SESSION_ENDED;
	return session.reads ? SESSION_READS : SESSION_MORE;
}

/* While more is left than one call can hand over, no program has to run. */
int session_run(u32 rights, u64 id, struct session_reply *reply)
{
	int error = take_session(rights, id);

	if (error)
		return error;
	if (!session.ended && session.out.used < SESSION_TEXT_OUT)
		run_thread();
	memset(reply, 0, sizeof(*reply));
	reply->length = ring_get(&session.out, session.output, OUTPUT_SIZE,
				 reply->text, SESSION_TEXT_OUT);
	reply->state = state_of_session();
	reply->status = session.status;
	reply->lost = session.lost;
	session.lost = false;
	leave();
	return 0;
}

int session_close(u32 rights, u64 id)
{
	int error = take_session(rights, id);

	if (error)
		return error;
	close_session();
	leave();
	return 0;
}

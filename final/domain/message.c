/*
 * Messages between domains. A thread does not wait while another answers: it
 * goes into the receiver itself, and comes back with the answer.
 *
 *	shell --sendint--> recvexample     the receiver's entry is called,
 *	      <---reply---                 on an empty stack
 *
 *	thread->at ----> recvexample       domain->caller: who waits for it
 *	                      | caller
 *	                      v
 *	                    shell
 *	                      | caller
 *	                      v
 *	                    init ----> NULL
 *
 * So there is nothing to schedule, no queue, and no buffer that fills; and as
 * all of it is in these structs, nothing on a kernel stack, a thread can stop
 * anywhere and go on later on another CPU. A domain that is in the chain can't
 * be sent to: it is busy, and no circle of waiting can come about.
 *
 * A buffer is copied into the receiver's own memory pool, whose pages are
 * mapped into it for as long as it has the message. Pages are what a domain is
 * shown, so whatever else was in one would be shown as well: hence the pool,
 * and one for each receiver. Two messages under way, from A to B and from B to
 * C, never share a page, or C could read what A wrote to B.
 * Book: chapter 11.
 */
#include "domain/message.h"

#include "console/panic.h"
#include "domain/internal.h"
#include "heap/heap.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/page.h"
#include "pool/mempool.h"

/* All MSG_SERVER()s: the linker puts one behind the other. */
extern const struct msg_server __start_msg_servers[], __stop_msg_servers[];

/* Read the @length characters at @user of a name: printable, no blanks. */
static int read_name(struct domain *d, u64 user, u64 length, char *name)
{
	if (length == 0 || length > MSG_NAME_MAX)
		return -EINVAL;
	if (space_read(&d->space, user, name, length))
		return -EFAULT;
	name[length] = '\0';
	for (u64 i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return -EINVAL;
	return 0;
}

static const struct msg_server *find_server(const char *name)
{
	for (const struct msg_server *s = __start_msg_servers;
	     s < __stop_msg_servers; s++)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

/* The domain of the thread that registered @name, or NULL. */
static struct domain *find_registered(struct domain_thread *t, const char *name)
{
	list_for_each (node, &t->domains) {
		struct domain *d = list_entry(node, struct domain, link);

		if (!strcmp(d->messages.name, name))
			return d;
	}
	return NULL;
}

static bool is_open(const struct descriptor *descriptor)
{
	return descriptor->server || descriptor->domain;
}

/* The descriptor @number of @d, or NULL when it has none of that number. */
static struct descriptor *find_descriptor(struct domain *d, u64 number)
{
	if (number >= MSG_DESCRIPTORS ||
	    !is_open(&d->messages.descriptor[number]))
		return NULL;
	return &d->messages.descriptor[number];
}

/* The lowest number that @d may open something as, or -ENOSPC. */
static int free_number(const struct domain *d)
{
	for (int i = 0; i < MSG_DESCRIPTORS; i++)
		if (!is_open(&d->messages.descriptor[i]))
			return i;
	return -ENOSPC;
}

/* Is @d somewhere in what @t has gone through, so that it waits or runs? */
static bool is_in_chain(const struct domain_thread *t, const struct domain *d)
{
	const struct domain *in = t->at;

	while (in && in != d)
		in = in->caller;
	return in != NULL;
}

/* The pool of what is passed to @d; NULL: no memory for one. */
static struct mempool *pool_of(struct domain *d)
{
	struct messages *m = &d->messages;

	if (!m->pool)
		m->pool = mempool_new(PAGE_SIZE, 1, true);
	return m->pool;
}

static void free_bufs(struct message *message, struct mempool *pool)
{
	while (message->count)
		mempool_freemem(pool, message->buf[--message->count].base);
}

/*
 * Copy the buffer @user of @from. One that is wanted back is written to now, as
 * a trial: its sender changes nothing before it has its answer.
 */
static int take_buf(struct server_buf *buf, struct domain *from,
		    struct mempool *pool, const struct msgbuf *user)
{
	int error;

	*buf = (struct server_buf){
		.from = (u64)user->base,
		.length = user->len,
		.rw = user->rw,
	};
	if (buf->length > MSG_BUF_MAX)
		return -E2BIG;
	buf->base = mempool_allocmem(pool, buf->length);
	if (!buf->base)
		return -ENOMEM;
	error = space_read(&from->space, buf->from, buf->base, buf->length);
	if (!error && buf->rw)
		error = space_write(&from->space, buf->from, buf->base,
				    buf->length);
	if (error)
		mempool_freemem(pool, buf->base);
	return error;
}

/* Copy the @count buffers that @user, an array in @from, names: all or none. */
static int take_bufs(struct message *message, struct domain *from,
		     struct mempool *pool, u64 user, u64 count)
{
	struct msgbuf bufs[MSG_BUFS];
	int error;

	message->count = 0;
	if (count > MSG_BUFS)
		return -E2BIG;
	if (!pool)
		return -ENOMEM;
	error = space_read(&from->space, user, bufs, count * sizeof(bufs[0]));
	while (!error && message->count < count) {
		error = take_buf(&message->buf[message->count], from, pool,
				 &bufs[message->count]);
		message->count += !error;
	}
	if (error)
		free_bufs(message, pool);
	return error;
}

/* Copy back what @from wants back. */
static int give_back(const struct message *message, struct domain *from)
{
	int error = 0;

	for (uint i = 0; i < message->count; i++) {
		const struct server_buf *buf = &message->buf[i];

		if (buf->rw && space_write(&from->space, buf->from, buf->base,
					   buf->length))
			error = -EFAULT;
	}
	return error;
}

/*
 * Show @to the buffers of the message that it is receiving, and say in @seen
 * where. Each has a page of the window, whether or not two share the pool's.
 */
static void map_bufs(struct domain *to, struct msgbuf *seen)
{
	const struct message *message = &to->messages.received;

	for (uint i = 0; i < message->count; i++) {
		const struct server_buf *buf = &message->buf[i];
		u64 offset = (u64)buf->base & PAGE_MASK;
		u64 window = PROGRAM_WINDOW + i * PAGE_SIZE;

		space_map(&to->space, window,
			  page_phys((char *)buf->base - offset), buf->rw);
		seen[i] = (struct msgbuf){
			.base = (void *)(window + offset),
			.len = buf->length,
			.rw = buf->rw,
		};
	}
}

/* Take the message that @d has received away from it. */
static void end_message(struct domain *d)
{
	struct message *message = &d->messages.received;

	for (uint i = 0; i < message->count; i++)
		space_unmap(&d->space, PROGRAM_WINDOW + i * PAGE_SIZE);
	free_bufs(message, d->messages.pool);
}

void message_enter(struct domain_thread *t, struct domain *to, int kind,
		   int value)
{
	struct msgbuf seen[MSG_BUFS];
	uint count = to->messages.received.count;
	u64 stack = PROGRAM_STACK_TOP - count * sizeof(seen[0]);
	int error;

	if (count) {
		map_bufs(to, seen);
		error = space_write(&to->space, stack, seen,
				    count * sizeof(seen[0]));
		assert(!error); /* a stack has a page */
	}
	to->caller = t->at;
	t->at = to;
	domain_prepare(to, kind, value, stack, count);
}

/* The thread goes back to who waits for the domain that it is in. */
static void leave(struct domain_thread *t, int result)
{
	struct domain *from = t->at, *to = from->caller;

	end_message(from);
	from->caller = NULL;
	t->at = to;
	if (to)
		to->regs.rax = (s64)result;
	else
		t->status = result;
}

/* Take from @d all that it has of messages. */
static void forget(struct domain *d)
{
	if (d->messages.pool)
		mempool_free(d->messages.pool);
	d->messages = (struct messages){0};
}

/* Can anybody but @d itself still send to it, or wait for it? */
static bool is_in_use(const struct domain_thread *t, const struct domain *d)
{
	if (d->messages.name[0] || is_in_chain(t, d))
		return true;
	list_for_each (node, &t->domains) {
		struct domain *other = list_entry(node, struct domain, link);

		for (uint i = 0; other != d && i < MSG_DESCRIPTORS; i++)
			if (other->messages.descriptor[i].domain == d)
				return true;
	}
	return false;
}

/* Free the domains that are of no use: one may have been another's only use. */
static void free_unused(struct domain_thread *t)
{
	for (bool again = true; again;) {
		again = false;
		list_for_each_safe (node, &t->domains) {
			struct domain *d =
				list_entry(node, struct domain, link);

			if (is_in_use(t, d))
				continue;
			forget(d);
			domain_free(d);
			again = true;
		}
	}
}

void message_end(struct domain_thread *t, int result)
{
	struct domain *d = t->at;

	leave(t, result);
	forget(d);
	space_free(&d->space);
	d->dead = true;
	free_unused(t);
}

void message_end_all(struct domain_thread *t)
{
	while (!list_empty(&t->domains)) {
		struct domain *d = list_first(&t->domains, struct domain, link);

		forget(d);
		domain_free(d);
	}
	t->at = NULL;
}

static s64 send_to_server(struct domain_thread *t,
			  const struct msg_server *server, int kind, int value,
			  struct message *message)
{
	int result =
		server->receive(t, kind, value, message->buf, message->count);
	int error = give_back(message, t->at);

	free_bufs(message, t->at->messages.pool);
	return error ? error : result;
}

/*
 * Send @value and the @count buffers that @bufs, an array in the sender, names.
 * What is for Vellum itself is copied into the sender's own pool.
 */
static s64 send(struct domain_thread *t, u64 number, int kind, int value,
		u64 bufs, u64 count)
{
	struct domain *from = t->at;
	const struct descriptor *d = find_descriptor(from, number);
	struct message for_server = {0}, *message = &for_server;
	struct domain *to = from;
	int error = 0;

	if (!d)
		return -EBADF;
	if (d->domain) {
		to = d->domain;
		message = &to->messages.received;
		error = to->dead ? -ENOENT : is_in_chain(t, to) ? -EBUSY : 0;
	}
	if (!error && count)
		error = take_bufs(message, from, pool_of(to), bufs, count);
	if (error)
		return error;
	if (d->server)
		return send_to_server(t, d->server, kind, value, message);
	message_enter(t, to, kind, value);
	return 0; /* the answer comes by leave() */
}

/* What the sender is to find: @result, after its buffers have come back. */
static int answer(struct domain_thread *t, int result)
{
	struct domain *from = t->at;
	int error = 0;

	if (from->caller)
		error = give_back(&from->messages.received, from->caller);
	return error ? error : result;
}

/* A receiver gives its answer, @arg[0], and waits for its next message. */
s64 sys_reply(struct domain_thread *t, const u64 *arg)
{
	leave(t, answer(t, arg[0]));
	return 0;
}

/* The same as its last: the domain is gone when this returns. */
s64 sys_exit(struct domain_thread *t, const u64 *arg)
{
	message_end(t, answer(t, arg[0]));
	return 0;
}

/* How many domains @t has. */
static uint count_domains(const struct domain_thread *t)
{
	uint count = 0;

	list_for_each (node, &t->domains)
		count++;
	return count;
}

s64 sys_newprocess(struct domain_thread *t, const u64 *arg)
{
	int number = free_number(t->at), error;
	char name[MSG_NAME_MAX + 1];
	struct domain *d;

	if (number < 0 || count_domains(t) == MSG_DOMAINS)
		return -ENOSPC;
	error = read_name(t->at, arg[0], arg[1], name);
	if (!error)
		error = domain_new(t, name, &d);
	if (error)
		return error;
	t->at->messages.descriptor[number].domain = d;
	return number;
}

s64 sys_msg_register(struct domain_thread *t, const u64 *arg)
{
	char name[MSG_NAME_MAX + 1];
	int error = read_name(t->at, arg[0], arg[1], name);

	if (error)
		return error;
	if (t->at->messages.name[0] || find_server(name) ||
	    find_registered(t, name))
		return -EEXIST;
	memcpy(t->at->messages.name, name, sizeof(name));
	return 0;
}

s64 sys_msg_open(struct domain_thread *t, const u64 *arg)
{
	int number = free_number(t->at), error;
	char name[MSG_NAME_MAX + 1];
	struct descriptor to;

	if (number < 0)
		return number;
	error = read_name(t->at, arg[0], arg[1], name);
	if (error)
		return error;
	to.server = find_server(name);
	to.domain = to.server ? NULL : find_registered(t, name);
	if (!is_open(&to))
		return -ENOENT;
	t->at->messages.descriptor[number] = to;
	return number;
}

s64 sys_msg_close(struct domain_thread *t, const u64 *arg)
{
	struct descriptor *descriptor = find_descriptor(t->at, arg[0]);

	if (!descriptor)
		return -EBADF;
	*descriptor = (struct descriptor){0};
	free_unused(t);
	return 0;
}

s64 sys_msg_sendint(struct domain_thread *t, const u64 *arg)
{
	return send(t, arg[0], MSG_INT, arg[1], 0, 0);
}

s64 sys_msg_sendbuf(struct domain_thread *t, const u64 *arg)
{
	return send(t, arg[0], MSG_BUF, arg[1], arg[2], arg[3]);
}

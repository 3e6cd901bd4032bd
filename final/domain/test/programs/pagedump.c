/*
 * Looks at each byte of the pages that its buffers lie in, not only at those of
 * the buffers, and counts those that are somebody else's: there must be none.
 *
 * Its first call sends messages to others of its kind: to one that sends what
 * it gets on to a third, with a buffer of its own beside it, so that there are
 * pages of two messages at one time; then a shorter message into a page that
 * has been used. Built with TEST=1.
 */
#include "domain/user/user.h"

PROGRAM_HELP("", "sees no byte of others");

#define ROOM      300 /* bytes of a buffer */
#define SEND_ON   1
#define LOOK_ONLY 2

static char text[2][ROOM];

/* Does the byte at @p belong to one of the buffers? */
static int is_ours(const char *p, const struct msgbuf *buf, uint count)
{
	for (uint i = 0; i < count; i++) {
		u64 offset = (u64)p & PAGE_MASK;
		u64 start = (u64)buf[i].base & PAGE_MASK;

		if (offset >= start && offset < start + buf[i].len)
			return 1;
	}
	return 0;
}

/* How many bytes of the buffers' pages hold something of somebody else. Two
 * buffers may show the same page. */
static int look(const char *who, char letter, const struct msgbuf *buf,
		uint count)
{
	int ours = 0, others = 0;

	for (uint i = 0; i < count; i++) {
		const char *page = (char *)((u64)buf[i].base & ~PAGE_MASK);

		for (const char *p = page; p < page + PAGE_SIZE; p++) {
			ours += *p == letter && is_ours(p, buf, count);
			others += *p != 0 && *p != letter;
			others += *p && !is_ours(p, buf, count);
		}
	}
	printf("pagedump: %s: %u pages, %d bytes of others\n", who, count,
	       others);
	return ours ? others : -EINVAL;
}

/* Send @count buffers full of @letter, the first to be given back. */
static int send(int d, int what, char letter, uint length, uint count)
{
	struct msgbuf bufs[2];

	for (uint i = 0; i < count; i++) {
		for (uint k = 0; k < length; k++)
			text[i][k] = letter;
		bufs[i] = (struct msgbuf){text[i], length, i == 0};
	}
	return msgsendbuf(d, what, bufs, count);
}

/* The message of 'A' that is ours, and one of 'B' that we send meanwhile. */
static int send_on(const struct msgbuf *buf, uint count)
{
	int d = newprocess("pagedump"), others;

	if (d < 0)
		return d;
	others = send(d, LOOK_ONLY, 'B', ROOM / 2, 1);
	msgclose(d);
	return others < 0 ? others : others + look("first", 'A', buf, count);
}

int program(int kind, int what, struct msgbuf *buf, uint count)
{
	int d, first, second;

	if (kind == MSG_BUF && what == SEND_ON)
		return send_on(buf, count);
	if (kind == MSG_BUF && what == LOOK_ONLY)
		return look("second", *(char *)buf[0].base, buf, count);
	d = newprocess("pagedump");
	if (d < 0)
		return d;
	first = send(d, SEND_ON, 'A', ROOM, 2);
	second = send(d, LOOK_ONLY, 'C', 10, 1);
	msgclose(d);
	printf("pagedump: %s\n", first || second ? "FAILED" : "ok");
	return first || second ? -EFAULT : 0;
}

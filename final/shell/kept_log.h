/*
 * A log that outlives a warm reset: how it lies in memory, and how it is
 * written. console/log.c alone includes this to write one, and shell/last_log.c
 * to read that of the run before.
 *
 *	| head | end[0] | end[1] | ... |   text[LOG_SIZE], a ring   |
 *	  one page                      |<- covered by the sum ->|  |
 *
 * Illegal at any moment: that both ends speak of text that was overwritten.
 * Book: chapter 12, "A log that outlives a reset".
 */
#ifndef SHELL_KEPT_LOG_H
#define SHELL_KEPT_LOG_H

#include "console/log.h"
#include "lib/string.h"
#include "lib/types.h"

/*
 * A record is written at the end of a line, or after this many characters; and
 * it speaks of the newest KEPT_SIZE only. So what is put in after it overwrites
 * others, and a run that is cut off there leaves its last record true.
 */
#define KEPT_SLACK 256
#define KEPT_SIZE  (LOG_SIZE - KEPT_SLACK)

/*
 * A record: where the log ends. There are two, written in turn: when the
 * machine is reset in the midst of one, the other is whole.
 */
struct kept_end {
	u64 written; /* characters ever put in: the sequence number as well */
	u64 sum;     /* of the last KEPT_SIZE of them */
	u64 check;   /* of these two */
} __aligned(64);

#define KEPT_MAGIC 0x474c4d554c4c4556 /* "VELLUMLG"; changes with the format */

struct kept_head {
	u64 magic;
	u64 address; /* physical, of the struct kept_log */
	u64 size;    /* of its text[] */
	u64 check;   /* of these three */
} __aligned(64);

struct kept_log {
	struct kept_head head;
	struct kept_end end[2];
	char text[LOG_SIZE] __aligned(PAGE_SIZE);
};

#define KEPT_PAGES ((int)(sizeof(struct kept_log) / PAGE_SIZE))

_Static_assert(sizeof(struct kept_log) == PAGE_SIZE + LOG_SIZE, "no gaps");

/*
 * What @value at @index adds to a sum. Such a sum can be carried on, and what
 * falls out of the ring be taken from it, without all being read again. It
 * finds damage; who wants to deceive can compute it as well.
 */
static inline u64 kept_mix(u64 index, u64 value)
{
	u64 h = (index << 8 ^ value) * 0x9e3779b97f4a7c15;

	return h ^ h >> 29;
}

/* The same for the characters @from to @to of a ring. */
static inline u64 kept_sum(const char *ring, u64 from, u64 to)
{
	u64 sum = 0;

	for (; from < to; from++)
		sum += kept_mix(from, (u8)ring[from % LOG_SIZE]);
	return sum;
}

/* The first character that is covered when @written were put in. */
static inline u64 kept_start(u64 written)
{
	return written - MIN(written, KEPT_SIZE);
}

static inline u64 kept_end_check(const struct kept_end *end)
{
	return kept_mix(1, end->written) + kept_mix(2, end->sum);
}

static inline u64 kept_head_check(const struct kept_head *head)
{
	return kept_mix(3, head->magic) + kept_mix(4, head->address) +
	       kept_mix(5, head->size);
}

/* Out of the cache: a reset empties it, and writes nothing back. */
static inline void kept_write_back(const void *start, u64 size)
{
	for (u64 at = 0; at < size; at += 64)
		asm volatile("clflush (%0)"
			     :
			     : "r"((char *)start + at)
			     : "memory");
	asm volatile("mfence" : : : "memory");
}

/* The last record of a log of our own: the one that got further. */
static inline struct kept_end *kept_last(struct kept_log *log)
{
	return &log->end[log->end[1].written > log->end[0].written];
}

/*
 * Put on record that @written characters have been put in: first the text, then
 * its new end. A CPU that is stopped in here has spoiled nothing, and the one
 * that goes on does it again.
 */
static inline void kept_record(struct kept_log *log, u64 written)
{
	const struct kept_end *last = kept_last(log);
	struct kept_end *next = &log->end[last == log->end];
	u64 at = ALIGN_DOWN(last->written, 64);

	for (; at < written; at += 64)
		kept_write_back(&log->text[at % LOG_SIZE], 64);
	next->sum = last->sum + kept_sum(log->text, last->written, written) -
		    kept_sum(log->text, kept_start(last->written),
			     kept_start(written));
	__atomic_store_n(&next->written, written, __ATOMIC_RELEASE);
	next->check = kept_end_check(next);
	kept_write_back(next, sizeof(*next));
}

/* Go on with @from in @to, which is at @phys. */
static inline void kept_move(struct kept_log *to, const struct kept_log *from,
			     phys_t phys)
{
	memcpy(to, from, sizeof(*to));
	to->head = (struct kept_head){KEPT_MAGIC, phys.v, LOG_SIZE, 0};
	to->head.check = kept_head_check(&to->head);
	kept_write_back(to, sizeof(*to));
}

#endif

/*
 * The log ring: an array, and a count of all characters ever put in. The
 * count modulo the size is where the next one goes; the oldest falls out.
 *
 * It outlives a warm reset: its pages are the same in each run, and it is put
 * on record line by line. Book: chapter 12, "A log that outlives a reset".
 */
#include "console/log.h"

#include "net/log.h"
#include "shell/last_log.h"

_Static_assert((LOG_SIZE & (LOG_SIZE - 1)) == 0, "LOG_SIZE is no power of two");

static struct kept_log early; /* until there are pages that are kept */
static struct kept_log *ring = &early;
static u64 written; /* characters ever put in */

void (*log_line_end)(void);

void log_putc(char c)
{
	ring->text[written % LOG_SIZE] = c;
	written++;
	if (CONFIG_LAST_LOG &&
	    (c == '\n' || written - kept_last(ring)->written >= KEPT_SLACK))
		kept_record(ring, written);
	if (c == '\n' && log_line_end)
		log_line_end();
}

void log_keep(struct kept_log *to, phys_t phys)
{
	kept_move(to, ring, phys);
	ring = to;
}

u64 log_written(void)
{
	return written;
}

size_t log_read(u64 offset, char *buffer, size_t size)
{
	u64 kept = MIN(written, LOG_SIZE);
	u64 oldest = written - kept;
	size_t n = 0;

	for (; n < size && offset + n < kept; n++)
		buffer[n] = ring->text[(oldest + offset + n) % LOG_SIZE];
	return n;
}

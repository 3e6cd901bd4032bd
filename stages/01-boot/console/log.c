/*
 * The log ring: an array, and a count of all characters ever put in. The
 * count modulo the size is where the next one goes; the oldest falls out.
 */
#include "console/log.h"

_Static_assert((LOG_SIZE & (LOG_SIZE - 1)) == 0, "LOG_SIZE is no power of two");

static char ring[LOG_SIZE];
static u64 written; /* characters ever put in */

void log_putc(char c)
{
	ring[written % LOG_SIZE] = c;
	written++;
}

size_t log_read(u64 offset, char *buffer, size_t size)
{
	u64 kept = MIN(written, LOG_SIZE);
	u64 oldest = written - kept;
	size_t n = 0;

	for (; n < size && offset + n < kept; n++)
		buffer[n] = ring[(oldest + offset + n) % LOG_SIZE];
	return n;
}

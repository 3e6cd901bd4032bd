/*
 * The log ring: the end of everything that was printed, kept for consoles that
 * come up later and, once the guest owns the serial port, for
 * `vellumctl log`.
 */
#ifndef CONSOLE_LOG_H
#define CONSOLE_LOG_H

#include "lib/types.h"

#define LOG_SIZE (CONFIG_LOG_SIZE * KIB)

/* Append one character; the oldest makes room. The console lock is held. */
void log_putc(char c);

/*
 * Copy up to @size bytes, starting @offset bytes after the oldest one kept.
 * Returns how many were copied: 0 at the end. Any CPU; a line that is being
 * printed meanwhile may come out cut.
 */
size_t log_read(u64 offset, char *buffer, size_t size);

#endif

/*
 * Formatted output: the usual printf, as far as a hypervisor needs it.
 */
#ifndef CONSOLE_PRINTF_H
#define CONSOLE_PRINTF_H

#include <stdarg.h>

#include "lib/types.h"

/*
 * Print to the log ring and to every console that is switched on. Knows
 * %d %i %u %x %X %c %s %p %%, the lengths l, ll and z, a width, and the flags
 * 0 and -. Returns the number of characters. Any CPU, any time; not from an
 * NMI handler, which might interrupt another printf and wait for its lock.
 */
int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As printf, with the arguments in a va_list. */
int vprintf(const char *format, va_list args);

/*
 * Print into @buffer of @size bytes; always ends with a NUL when @size > 0.
 * Returns the length that the whole text has, as in C99.
 */
int snprintf(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As snprintf, with the arguments in a va_list. */
int vsnprintf(char *buffer, size_t size, const char *format, va_list args);

#endif

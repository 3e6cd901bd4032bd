/*
 * The engine under printf: formats into any sink of characters.
 */
#ifndef CONSOLE_PRINTF_ENGINE_H
#define CONSOLE_PRINTF_ENGINE_H

#include <stdarg.h>

#include "lib/types.h"

struct sink {
	void (*putc)(struct sink *, char c);
};

/* Format into @out; returns the number of characters. */
int format_to(struct sink *out, const char *format, va_list args);

#endif

/*
 * In front of every file of a host test (mk/host-test.mk includes it): some of
 * our functions have the names of C library functions but must not replace
 * them, or cmocka and the sanitizers would run on the code under test. So the
 * system's headers are read first, and from then on the names mean ours.
 * Tests that need the C library's can say libc_free() and so on.
 */
#ifndef HOST_NAMES_H
#define HOST_NAMES_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static inline void libc_free(void *p)
{
	free(p);
}

static inline int libc_vsnprintf(char *buffer, size_t size, const char *format,
				 va_list args)
{
	return vsnprintf(buffer, size, format, args);
}

static inline int libc_vprintf(const char *format, va_list args)
{
	return vprintf(format, args);
}

#define free    vellum_free
#define realloc vellum_realloc

/*
 * A thread that waits in spin_lock() lets others run: they may outnumber the
 * CPUs here, and the one with the lock, or the next ticket, may not be on one.
 */
#define __builtin_ia32_pause() sched_yield()

/* With parentheses, so that __attribute__((format(printf, ...))) is left. */
#define printf(...)    vellum_printf(__VA_ARGS__)
#define vprintf(...)   vellum_vprintf(__VA_ARGS__)
#define snprintf(...)  vellum_snprintf(__VA_ARGS__)
#define vsnprintf(...) vellum_vsnprintf(__VA_ARGS__)

#endif

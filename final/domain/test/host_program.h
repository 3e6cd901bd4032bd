/*
 * The surroundings of a program on the host. A test is the other side of
 * system_call(): of Vellum it plays what it needs, and leaves the rest to this.
 */
#ifndef DOMAIN_TEST_HOST_PROGRAM_H
#define DOMAIN_TEST_HOST_PROGRAM_H

#include "console/panic.h"
#include "domain/user/user.h"
#include "host.h"

/* A program that ends itself for a reason ends as Vellum would on the host:
 * assert_panics() and require_panic() see it. */
static inline long host_system_call(long number, u64 a, u64 b)
{
	if (number == SYS_PANIC)
		panic("in process: %.*s", (int)b, (const char *)a);
	panic("a system call that this test does not expect: %ld", number);
}

#endif

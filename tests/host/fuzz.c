/*
 * The surroundings of fuzz targets: as tests/host/stubs.c, but what the code
 * prints is only formatted. The end of a run prints the number of operations.
 */
#include "fuzz.h"

u64 fuzz_operations;

int vprintf(const char *format, va_list args)
{
	return libc_vsnprintf(host_printed, sizeof(host_printed), format, args);
}

int printf(const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = libc_vsnprintf(host_printed, sizeof(host_printed), format, args);
	va_end(args);
	return n;
}

void fuzz_fail(const char *file, int line, const char *rule)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, rule);
	abort();
}

static __attribute__((destructor)) void print_operations(void)
{
	fprintf(stderr, "operations: %lu\n", fuzz_operations);
}

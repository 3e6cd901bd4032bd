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

/*
 * The end of a good search is exit(). What is found ends otherwise: by abort(),
 * or by a sanitizer, whose own callback at the end is libFuzzer's.
 */
__attribute__((destructor)) void host_last_words(void)
{
	fprintf(stderr, "operations: %lu\n", fuzz_operations);
}

void __asan_on_error(void)
{
	host_last_words();
}

void __ubsan_on_report(void)
{
	host_last_words();
}

void fuzz_fail(const char *file, int line, const char *rule)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, rule);
	host_last_words();
	abort();
}

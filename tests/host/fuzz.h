/*
 * What fuzz targets share: reading commands out of the input's bytes, and
 * rules that end the run when they are broken.
 *
 * A target is a file *_fuzz.c with a function LLVMFuzzerTestOneInput():
 * libFuzzer calls it with inputs that it makes up, and keeps those that reach
 * new code.
 * A finding is a crash: of a sanitizer, of require(), or an unexpected panic.
 */
#ifndef HOST_FUZZ_H
#define HOST_FUZZ_H

#include "host.h"

/* The bytes of one input that are not used up. */
struct fuzz_input {
	const u8 *at, *end;
};

static inline bool fuzz_more(const struct fuzz_input *in)
{
	return in->at != in->end;
}

/* The next byte; 0 when there is none. */
static inline u32 fuzz_byte(struct fuzz_input *in)
{
	return fuzz_more(in) ? *in->at++ : 0;
}

/* A number of the next @bytes bytes, little endian. */
static inline u64 fuzz_number(struct fuzz_input *in, uint bytes)
{
	u64 n = 0;

	for (uint i = 0; i < bytes; i++)
		n |= (u64)fuzz_byte(in) << (8 * i);
	return n;
}

/* Operations of all inputs so far; targets count them, the end prints them. */
extern u64 fuzz_operations;

/* What must be true after whatever the input asked for. */
#define require(rule)                                         \
	do {                                                  \
		if (!(rule))                                  \
			fuzz_fail(__FILE__, __LINE__, #rule); \
	} while (0)

void fuzz_fail(const char *file, int line, const char *rule)
	__attribute__((noreturn));

/* Run @statement, which must panic. It is left by longjmp. */
#define require_panic(statement)                                              \
	do {                                                                  \
		host_panic_expected = true;                                   \
		if (setjmp(host_panic_jump) == 0) {                           \
			statement;                                            \
			fuzz_fail(__FILE__, __LINE__, "panics: " #statement); \
		}                                                             \
	} while (0)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#endif

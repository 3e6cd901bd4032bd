/*
 * What the parts of the attack guest (demo/attack.c) share: an attempt is a row
 * of a table, and every part has one table, which the linker joins.
 */
#ifndef GUEST_TEST_METAL_ATTACK_H
#define GUEST_TEST_METAL_ATTACK_H

#include "guest/test/metal/guest.h"

enum verdict {
	AS_ON_HARDWARE, /* what the bare machine would have done */
	REFUSED,        /* hardware would do it, and Vellum did not */
	ESCAPED,        /* it reached what is not the guest's */
};

/*
 * One attempt, and its control: what proves that the line would say ESCAPED if
 * the guard were not there. SHOWN_BY() names a patch in book/breakit/; where no
 * emulator can show it, TESTED_BY() names the host test of the decision.
 */
struct attack {
	const char *name;
	enum verdict (*attempt)(const struct attack *a);
	const char *shown_by, *tested_by;
	enum below only;      /* where this one's CPU is */
	void (*code)(void *); /* for those that try an instruction, */
	u32 msr;              /* or to write an MSR, */
	u64 value;            /* with this */
};

#define SHOWN_BY(patch)      .shown_by = patch
#define TESTED_BY(host_test) .tested_by = host_test

/* The table of a part: ATTACKS = {...}; */
#define ATTACKS                                     \
	static const struct attack attacks[] __used \
		__attribute__((section(".attacks"), aligned(8)))

/* An instruction as a function for try(). All registers are @rax_; %0 is
 * memory. */
#define INSTRUCTION(name, text)                                                \
	static void do_##name(void *arg)                                       \
	{                                                                      \
		asm volatile(text                                              \
			     :                                                 \
			     : "m"(*(u64 *)arg), "a"(arg), "b"(0UL), "c"(0UL), \
			       "d"(0UL)                                        \
			     : "memory");                                      \
	}

/* What stands behind the verdict in the line. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A row's @code, with a page of Vellum's range as its argument: #UD is what a
 * CPU without the feature says, #GP a refusal, anything else an escape. */
enum verdict attempt_code(const struct attack *a);

/* A page in the middle of Vellum's range; 0: there is none. */
u64 hidden_page(uint n);

#endif

/*
 * What host tests have beside cmocka: panics that can be expected, a record of
 * what was printed, and random numbers that can be repeated.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include "lib/cpu.h"
#include "lib/types.h"

/*
 * Run @statement, which must panic with a message that contains @text. It is
 * left by longjmp, so what it held stays held: tests check the locks.
 */
#define assert_panics(statement, text)                                  \
	do {                                                            \
		host_panic_expected = true;                             \
		if (setjmp(host_panic_jump) == 0) {                     \
			statement;                                      \
			host_panic_expected = false;                    \
			fail_msg("%s did not panic", #statement);       \
		}                                                       \
		if (!strstr(host_panic_message, text))                  \
			fail_msg("%s: panic says \"%s\", not \"%s\"",   \
				 #statement, host_panic_message, text); \
	} while (0)

extern jmp_buf host_panic_jump;
extern bool host_panic_expected;
extern char host_panic_message[512];

/* The last 4 KiB of what was printed with printf; set to "" to start over. */
extern char host_printed[4096];

/*
 * The CPU that code under test is on (tests/host/fake/lib/cpu.h). At first all
 * of CPUID and of the control registers is 0, there are no MSRs, and ports read
 * as ones. MSRs that are not there fail a test, and are -EFAULT for
 * guarded_rdmsr() and guarded_wrmsr(). A port has what was last written there.
 */
void host_cpu_reset(void); /* as at first */
void host_set_cpuid(u32 leaf, u32 subleaf, struct cpuid_regs regs);
void host_set_msr(u32 msr, u64 value); /* from now on there is one */
void host_set_port(u16 port, u32 value, uint size);
u32 host_port(u16 port, uint size);

#define HOST_CRS 5
extern u64 host_cr[HOST_CRS];
extern bool host_has_breakpoints; /* until they are cleared */
extern u64 host_tsc;              /* grows at each RDTSC, */
extern u64 host_tsc_step;         /* by so much: 1 at first */

/* Called when an unexpected panic ends the program; does nothing in a test. */
void host_last_words(void);

/* Start the random numbers from SEED of the environment, else from the clock,
 * and print the seed. */
void host_seed(void);

/* A random number below @n. */
u64 host_random(u64 n);

/* The number of operations for a property test: OPS of the environment, or
 * @standard. */
u64 host_operations(u64 standard);

#endif

/*
 * The surroundings of code under test on the host: printf and panic for files
 * that do not bring console/ along (all weak: a linked original wins), and
 * random numbers.
 */
#include "console/panic.h"
#include "console/printf.h"
#include "host.h"
#include "lib/percpu.h"

#define __weak __attribute__((weak))

__weak PERCPU(u32, cpu_number);

/* What stage 06's lib/spinlock.h and console/panic.c want of smp/: there is one
 * CPU, and if it panics, that is its own panic. */
__weak u32 panic_cpu;
__weak u64 percpu_panic_spin_place[2];
__weak u64 percpu_guarded_rsp; /* of paging/guarded.c */

void panic_stop_at_lock(void);
void smp_claim_panic(u64 rip, u64 rbp);
void smp_stop_others(void);
void place_note(bool in_guest, u64 rip, u64 rsp, u64 rbp);

__weak void panic_stop_at_lock(void)
{
	abort();
}

__weak void smp_claim_panic(u64 rip, u64 rbp)
{
}

__weak void smp_stop_others(void)
{
}

__weak void place_note(bool in_guest, u64 rip, u64 rsp, u64 rbp)
{
}

/* The first race ends a test, as the other sanitizers' first finding does: what
 * it damaged may have no end. */
const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
	return "halt_on_error=1";
}

jmp_buf host_panic_jump;
bool host_panic_expected;
char host_panic_message[512];
char host_printed[4096];

__weak int vsnprintf(char *buffer, size_t size, const char *format,
		     va_list args)
{
	return libc_vsnprintf(buffer, size, format, args);
}

__weak int snprintf(char *buffer, size_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = libc_vsnprintf(buffer, size, format, args);
	va_end(args);
	return n;
}

__weak int vprintf(const char *format, va_list args)
{
	size_t used = strlen(host_printed);
	int n;

	if (sizeof(host_printed) - used < 512)
		used = 0;
	n = libc_vsnprintf(host_printed + used, sizeof(host_printed) - used,
			   format, args);
	fputs(host_printed + used, stdout);
	return n;
}

__weak int printf(const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vprintf(format, args);
	va_end(args);
	return n;
}

__weak void host_last_words(void)
{
}

__weak void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	libc_vsnprintf(host_panic_message, sizeof(host_panic_message), format,
		       args);
	va_end(args);
	if (host_panic_expected) {
		host_panic_expected = false;
		longjmp(host_panic_jump, 1);
	}
	fprintf(stderr, "panic: %s\n", host_panic_message);
	host_last_words();
	abort();
}

/* ONLY=name in the environment: of all tests, run those that it matches. */
static __attribute__((constructor)) void choose_tests(void)
{
	const char *only = getenv("ONLY");

	if (only)
		cmocka_set_test_filter(only);
}

static u64 random_state;

void host_seed(void)
{
	const char *seed = getenv("SEED");
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	random_state = seed ? strtoul(seed, NULL, 0)
			    : (u64)(now.tv_sec ^ now.tv_nsec) % 1000000000;
	print_message("SEED=%lu\n", random_state);
}

/* splitmix64: good enough, and the same everywhere. */
u64 host_random(u64 n)
{
	u64 z = random_state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % n;
}

u64 host_operations(u64 standard)
{
	const char *ops = getenv("OPS");

	return ops ? strtoul(ops, NULL, 0) : standard;
}

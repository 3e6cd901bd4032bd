/*
 * A program of a user without rights, in the guest, who wants into the debug
 * shell. Says for each thing that it tries whether it was held off; the status
 * is how often not.
 */
#define _GNU_SOURCE
#include "demo/vellumctl.h"

#include <cpuid.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SHELL = 8,
	PORT = 0xe6,
	OPEN = 0,
	WRITE,
	RUN,
	CLOSE
};

static int failures;
static sigjmp_buf after_fault;

static void verdict(const char *what, int held)
{
	printf("intruder: %s: %s\n", what, held ? "held off" : "GOT IN");
	failures += !held;
}

/* Not this one's: RBX is the caller's as well. */
void hypercall(struct registers *r)
{
	unsigned a, vmx, c, d;

	__cpuid(0x40000001, a, vmx, c, d);
	if (vmx == 1)
		CALL_VELLUM("vmcall", r);
	else
		CALL_VELLUM("vmmcall", r);
}

static long long call(u64 operation, u64 id, struct registers *r)
{
	*r = (struct registers){.rbx = SHELL, .rcx = operation, .rsi = id};
	hypercall(r);
	return r->rax;
}

static void on_fault(int number)
{
	siglongjmp(after_fault, number);
}

/* What OUT does before the CPU can ask Vellum is the kernel's decision. */
static void try_the_port(void)
{
	struct registers r = {.rbx = SHELL, .rcx = OPEN};

	verdict("ioperm", ioperm(PORT, 1, 1) && errno == EPERM);
	verdict("iopl", iopl(3) && errno == EPERM);
	signal(SIGSEGV, on_fault);
	if (!sigsetjmp(after_fault, 1)) {
		CALL_VELLUM("outb %%al, $0xe6", &r);
		verdict("a byte to the port", 0);
	} else {
		verdict("a byte to the port", 1);
	}
	r = (struct registers){.rbx = SHELL, .rcx = OPEN};
	if (!sigsetjmp(after_fault, 1)) {
		CALL_VELLUM("outl %%eax, $0xe4", &r);
		verdict("four bytes over it", 0);
	} else {
		verdict("four bytes over it", 1);
	}
}

/* Root has one of these numbers, and is in the shell. */
static void try_all_sessions(void)
{
	struct registers r;
	int got_in = 0, seen = 0;

	for (u64 id = 0; id < 500; id++)
		for (u64 operation = WRITE; operation <= CLOSE; operation++) {
			long long error = call(operation | 5 << 8, id, &r);

			seen += error == -EPERM;
			got_in += error != -EPERM && error != -ENOENT &&
				  error != -EAGAIN;
		}
	verdict("root's session by its number", seen && !got_in);
	verdict("a session beside root's", call(OPEN, 0, &r) == -EBUSY);
}

/* Whatever is in the registers: nothing but an answer comes back. */
static void try_junk(void)
{
	u64 junk[] = {0, 1, 2, 3, 4, 8, 255, 256, 0x5000, ~0ULL, 1ULL << 63};
	int got_in = 0, n = sizeof junk / sizeof junk[0];

	for (int i = 0; i < 3000; i++) {
		struct registers r = {
			.rbx = SHELL,
			.rcx = junk[rand() % n] ^ junk[rand() % n],
			.rdx = junk[rand() % n],
			.rsi = junk[rand() % n] + rand() % 100,
			.rdi = junk[rand() % n] * rand(),
			.r8 = junk[rand() % n],
		};
		int opens = (r.rcx & 0xff) == OPEN;

		hypercall(&r);
		got_in += opens && !r.rax && r.rdx;
	}
	verdict("junk in registers", !got_in);
}

/* On each CPU at once, as fast as it goes; nobody is kept waiting. */
static void crowd(void)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN), bad = 0;

	for (int cpu = 0; cpu < cpus; cpu++)
		if (!fork()) {
			cpu_set_t set;

			CPU_ZERO(&set);
			CPU_SET(cpu, &set);
			sched_setaffinity(0, sizeof set, &set);
			srand(cpu);
			try_junk();
			exit(failures);
		}
	for (int cpu = 0, status; cpu < cpus; cpu++)
		bad += wait(&status) < 0 || status;
	verdict("all CPUs together", !bad);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(what, "port"))
		try_the_port();
	else if (!strcmp(what, "sessions"))
		try_all_sessions();
	else if (!strcmp(what, "crowd"))
		crowd();
	else
		return 99;
	return failures;
}

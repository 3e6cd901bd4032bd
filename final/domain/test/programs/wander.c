/*
 * Is all of a program's state kept while it does not run? It yields and looks,
 * from whatever CPU: with MSG_INT 1 for ever, with 0 for a while. An error ends
 * it.
 */
#include "domain/user/user.h"

PROGRAM_HELP("", "goes from CPU to CPU");

#define A_WHILE 1000

static u64 rounds;

/* Yield with a number in each register; what do they add up to then? */
static u64 yield_with_registers(void)
{
	u64 sum;

	asm volatile("push %%rbp;"
		     "mov $2, %%ebx; mov $4, %%ecx; mov $8, %%edx;"
		     "mov $16, %%esi; mov $32, %%edi; mov $64, %%ebp;"
		     "mov $128, %%r8d; mov $256, %%r9d; mov $512, %%r10d;"
		     "mov $1024, %%r11d; mov $2048, %%r12d; mov $4096, %%r13d;"
		     "mov $8192, %%r14d; mov $16384, %%r15d;"
		     "mov %1, %%eax; int %2;"
		     "add %%rbx, %%rax; add %%rcx, %%rax; add %%rdx, %%rax;"
		     "add %%rsi, %%rax; add %%rdi, %%rax; add %%rbp, %%rax;"
		     "add %%r8, %%rax; add %%r9, %%rax; add %%r10, %%rax;"
		     "add %%r11, %%rax; add %%r12, %%rax; add %%r13, %%rax;"
		     "add %%r14, %%rax; add %%r15, %%rax; pop %%rbp"
		     : "=&a"(sum)
		     : "i"(SYS_YIELD), "i"(SYSCALL_VECTOR)
		     : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
		       "r11", "r12", "r13", "r14", "r15", "memory", "cc");
	return sum;
}

static int wander(u64 most)
{
	for (u64 kept = 0; kept < most;) {
		write_text(".", 1);
		if (yield_with_registers() != 32766)
			return 1;
		if (++rounds != ++kept)
			return 2;
	}
	return 0;
}

int program(int kind, int value, struct msgbuf *buf, uint bufs)
{
	return wander(value ? -1UL : A_WHILE);
}

/*
 * vellumctl: what its files share.
 */
#ifndef DEMO_VELLUMCTL_H
#define DEMO_VELLUMCTL_H

typedef unsigned long long u64;

/* The registers that a call of Vellum takes and gives. RAX is 0 afterwards, or
 * a negative errno. */
struct registers {
	long long rax;
	u64 rbx, rcx, rdx, rsi, rdi, r8;
};

#define SIGNATURE 0x6d756c6c /* in RAX, before */

/* Call Vellum by @instruction, which exits to it. */
#define CALL_VELLUM(instruction, r)                                            \
	do {                                                                   \
		register u64 r8 asm("r8") = (r)->r8;                           \
                                                                               \
		(r)->rax = SIGNATURE;                                          \
		asm volatile(instruction                                       \
			     : "+a"((r)->rax), "+b"((r)->rbx), "+c"((r)->rcx), \
			       "+d"((r)->rdx), "+S"((r)->rsi), "+D"((r)->rdi), \
			       "+r"(r8)                                        \
			     :                                                 \
			     : "memory");                                      \
		(r)->r8 = r8;                                                  \
	} while (0)

/* A hypercall, which anybody may do; ends the program when Vellum does not
 * allow any. */
void hypercall(struct registers *r);

/* The debug shell; with @words, only the command that they are. The exit
 * status. In vellumctl_shell.c. */
int debug_shell(int count, char **words);

#endif

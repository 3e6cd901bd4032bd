/*
 * Tries everything that a program in ring 3 could try against Vellum, each in
 * a domain of its own, which ends by it, or is told an error. Whatever it is,
 * the first of them is there afterwards to say so: "hostile: ok", or which of
 * them got away with it. Built with TEST=1; `program=hostile` runs it.
 */
#include "domain/test/programs/hostile_calls.h"
#include "domain/user/user.h"

PROGRAM_HELP("", "tries to get away with something");

#define INT_N    0x1000 /* the message INT_N + n: try INT n */
#define VECTORS  256
#define ESCAPED  1
#define CLOBBERS "rax", "rcx", "rdx", "rdi", "rsi", "r8", "memory", "cc"

/* How it must end. */
enum outcome {
	ENDS,    /* the domain dies */
	GOES_ON, /* nothing happens: no errors, no damage */
	EITHER,  /* as the CPU has it; not more than that */
};

struct attempt {
	const char *name;
	enum outcome must;
	int (*run)(void);
};

/* --- Instructions: what each does in ring 3 is an exception. */

#define INSTRUCTIONS(X)                                                     \
	X(hlt, "hlt")                                                       \
	X(cli, "cli")                                                       \
	X(sti, "sti")                                                       \
	X(in, "in $0x60, %%al")                                             \
	X(out, "out %%al, $0x80")                                           \
	X(in_dx, "mov $0xcf8, %%edx; in %%dx, %%eax")                       \
	X(out_dx, "mov $0xcf9, %%edx; mov $6, %%al; out %%al, %%dx")        \
	X(ins, "mov $0x60, %%edx; mov %%rsp, %%rdi; insb")                  \
	X(outs, "mov $0x80, %%edx; mov %%rsp, %%rsi; outsb")                \
	X(read_cr0, "mov %%cr0, %%rax")                                     \
	X(read_cr2, "mov %%cr2, %%rax")                                     \
	X(read_cr3, "mov %%cr3, %%rax")                                     \
	X(read_cr4, "mov %%cr4, %%rax")                                     \
	X(read_cr8, "mov %%cr8, %%rax")                                     \
	X(write_cr0, "xor %%eax, %%eax; mov %%rax, %%cr0")                  \
	X(write_cr3, "xor %%eax, %%eax; mov %%rax, %%cr3")                  \
	X(write_cr4, "xor %%eax, %%eax; mov %%rax, %%cr4")                  \
	X(write_cr8, "xor %%eax, %%eax; mov %%rax, %%cr8")                  \
	X(read_dr7, "mov %%dr7, %%rax")                                     \
	X(write_dr7, "xor %%eax, %%eax; mov %%rax, %%dr7")                  \
	X(lmsw, "mov $1, %%eax; lmsw %%ax")                                 \
	X(clts, "clts")                                                     \
	X(rdmsr, "mov $0xc0000080, %%ecx; rdmsr")                           \
	X(wrmsr, "mov $0xc0000080, %%ecx; xor %%eax, %%eax; "               \
		 "xor %%edx, %%edx; wrmsr")                                 \
	X(rdpmc, "xor %%ecx, %%ecx; rdpmc")                                 \
	X(invlpg, "invlpg (%%rsp)")                                         \
	X(invd, "invd")                                                     \
	X(wbinvd, "wbinvd")                                                 \
	X(lgdt, "lgdt (%%rsp)")                                             \
	X(lidt, "lidt (%%rsp)")                                             \
	X(lldt, "xor %%eax, %%eax; lldt %%ax")                              \
	X(ltr, "mov $0x18, %%eax; ltr %%ax")                                \
	X(swapgs, "swapgs")                                                 \
	X(syscall, "syscall")                                               \
	X(sysenter, "sysenter")                                             \
	X(sysret, "sysretq")                                                \
	X(sysexit, "sysexitq")                                              \
	X(rsm, "rsm")                                                       \
	X(monitor, "mov %%rsp, %%rax; xor %%ecx, %%ecx; xor %%edx, %%edx; " \
		   "monitor")                                               \
	X(mwait, "xor %%eax, %%eax; xor %%ecx, %%ecx; mwait")               \
	X(xsetbv, "xor %%ecx, %%ecx; mov $1, %%eax; xor %%edx, %%edx; "     \
		  "xsetbv")                                                 \
	X(xgetbv, "xor %%ecx, %%ecx; xgetbv")                               \
	X(vmcall, "vmcall")                                                 \
	X(vmmcall, "vmmcall")                                               \
	X(vmxon, "vmxon (%%rsp)")                                           \
	X(vmxoff, "vmxoff")                                                 \
	X(vmlaunch, "vmlaunch")                                             \
	X(vmresume, "vmresume")                                             \
	X(vmclear, "vmclear (%%rsp)")                                       \
	X(vmread, "xor %%eax, %%eax; vmread %%rax, %%rdx")                  \
	X(vmwrite, "xor %%eax, %%eax; vmwrite %%rax, %%rdx")                \
	X(invept, "xor %%eax, %%eax; invept (%%rsp), %%rax")                \
	X(vmrun, "xor %%eax, %%eax; vmrun")                                 \
	X(vmload, "xor %%eax, %%eax; vmload")                               \
	X(vmsave, "xor %%eax, %%eax; vmsave")                               \
	X(stgi, "stgi")                                                     \
	X(clgi, "clgi")                                                     \
	X(skinit, "xor %%eax, %%eax; skinit")                               \
	X(invlpga, "xor %%eax, %%eax; xor %%ecx, %%ecx; invlpga")           \
	X(rdfsbase, "rdfsbase %%rax")                                       \
	X(wrfsbase, "xor %%eax, %%eax; wrfsbase %%rax")                     \
	X(rdgsbase, "rdgsbase %%rax")                                       \
	X(wrgsbase, "xor %%eax, %%eax; wrgsbase %%rax")                     \
	X(rdpkru, "xor %%ecx, %%ecx; .byte 0x0f, 0x01, 0xee")               \
	X(wrpkru, "xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx; "  \
		  ".byte 0x0f, 0x01, 0xef")                                 \
	X(stac, "stac")                                                     \
	X(x87, "fld1")                                                      \
	X(fwait, "fwait")                                                   \
	X(mmx, "movd %%eax, %%mm0")                                         \
	X(sse, "movaps %%xmm0, %%xmm1")                                     \
	X(avx, "vmovaps %%ymm0, %%ymm1")                                    \
	X(fxsave, "sub $1024, %%rsp; and $-64, %%rsp; fxsave (%%rsp)")      \
	X(xsave, "sub $2048, %%rsp; and $-64, %%rsp; xsave (%%rsp)")        \
	X(ldmxcsr, "ldmxcsr (%%rsp)")                                       \
	X(ud2, "ud2")                                                       \
	X(divide, "xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx")      \
	X(int1, ".byte 0xf1")                                               \
	X(int3, "int3")                                                     \
	X(lock_nop, ".byte 0xf0, 0x90")                                     \
	X(sixteen_bytes, ".rept 15; .byte 0x66; .endr; nop")                \
	X(trap_flag, "pushf; orl $0x100, (%%rsp); popf; nop; nop")          \
	X(iret_ring0, "mov %%rsp, %%rax; push $0x10; push %%rax; pushf; "   \
		      "push $8; push $1f; iretq; 1:")                       \
	X(ret_ring0, "push $8; push $1f; lretq; 1:")                        \
	X(ret_null, "push $0; push $1f; lretq; 1:")                         \
	X(ret_tss, "push $0x18; push $1f; lretq; 1:")                       \
	X(ret_32_bit, "push $0x23; push $1f; lretq; 1:")                    \
	X(ss_ring0, "mov $0x10, %%eax; mov %%eax, %%ss")                    \
	X(ss_null, "xor %%eax, %%eax; mov %%eax, %%ss")                     \
	X(ds_ring0, "mov $0x10, %%eax; mov %%eax, %%ds")                    \
	X(gs_ring0, "mov $0x10, %%eax; mov %%eax, %%gs")                    \
	X(ds_beyond, "mov $0xfff3, %%eax; mov %%eax, %%ds")                 \
	X(fs_ldt, "mov $0x0f, %%eax; mov %%eax, %%fs")                      \
	X(no_gs_and_fault, "xor %%eax, %%eax; mov %%eax, %%gs; ud2")        \
	X(df_and_fault, "std; ud2")                                         \
	X(stack_in_vellum, "mov $0x40001000, %%rsp; push %%rax")            \
	X(stack_nowhere, "mov $0x7ffffffff000, %%rsp; call 1f; 1:")         \
	X(stack_not_canonical, "movabs $0x800000000000, %%rsp; push %%rax") \
	X(fault_with_stack_in_vellum, "mov $0x40001000, %%rsp; ud2")

#define INSTRUCTION(function, code)                                \
	static int try_##function(void)                            \
	{                                                          \
		asm volatile("push %%rbx; push %%rbp; mov %%rsp, " \
			     "%%rbp; " code "; mov %%rbp, %%rsp; " \
			     "pop %%rbp; pop %%rbx"                \
			     :                                     \
			     :                                     \
			     : CLOBBERS);                          \
		return ESCAPED;                                    \
	}
INSTRUCTIONS(INSTRUCTION)

/* --- Memory that is not ours, or not for this. */

static const int constant = 7;
static volatile int variable;
static const volatile char
	*volatile no_address; /* the compiler knows of none */

static int read_at(u64 address)
{
	no_address = (const char *)address;
	(void)*no_address;
	return ESCAPED;
}

static int write_at(u64 address)
{
	no_address = (const char *)address;
	*(volatile char *)no_address = 0;
	return ESCAPED;
}

static int jump_to(u64 address)
{
	asm volatile("call *%0" : : "r"(address) : CLOBBERS);
	return ESCAPED;
}

#define MEMORY(X)                                                           \
	X(read_null, read_at(0))                                            \
	X(write_null, write_at(0))                                          \
	X(read_below, read_at(PROGRAM_BASE - 1))                            \
	X(write_text, write_at((u64)program))                               \
	X(write_constant, write_at((u64)&constant))                         \
	X(read_stack_guard, read_at(PROGRAM_STACK_TOP - PROGRAM_STACK - 1)) \
	X(read_above_stack, read_at(PROGRAM_STACK_TOP))                     \
	X(read_window, read_at(PROGRAM_WINDOW))                             \
	X(read_vellum, read_at(VELLUM))                                     \
	X(write_vellum, write_at(VELLUM))                                   \
	X(read_vellum_heap, read_at(VELLUM + 64 * MIB))                     \
	X(read_upper_half, read_at(UPPER))                                  \
	X(read_last_page, read_at(-8UL))                                    \
	X(read_not_canonical, read_at(0x8000000000000000UL))                \
	X(execute_data, jump_to((u64)&variable))                            \
	X(execute_constant, jump_to((u64)&constant))                        \
	X(execute_stack, jump_to((u64)__builtin_frame_address(0)))          \
	X(execute_null, jump_to(0))                                         \
	X(execute_vellum, jump_to(VELLUM))                                  \
	X(execute_not_canonical, jump_to(0x8000000000000000UL))

#define TOUCH(function, expression)     \
	static int try_##function(void) \
	{                               \
		return expression;      \
	}
MEMORY(TOUCH)

static int try_flush_vellum(void)
{
	asm volatile("clflush (%0)" : : "r"(VELLUM) : "memory");
	return 0;
}

/* Until the stack has no room: each call has a page of it. */
static int try_stack_overflow(void)
{
	volatile char room[PAGE_SIZE];

	room[0] = 1;
	return variable ? 0 : try_stack_overflow() + room[0];
}

static int try_end_in_panic(void)
{
	panic_process("tried");
}

/* --- What does not hurt, and must leave Vellum and us as we were. */

/* A call of Vellum with flags, segments, or a stack that are not as usual. */
#define UNUSUAL(X)                                                           \
	X(direction_flag, "mov $2, %%eax; std; int $0x30; cld")              \
	X(nested_task_flag, "pushf; orl $0x4000, (%%rsp); popf; "            \
			    "mov $2, %%eax; int $0x30; "                     \
			    "pushf; andl $~0x4000, (%%rsp); popf")           \
	X(alignment_flag, "mov $2, %%eax; pushf; orl $0x40000, (%%rsp); "    \
			  "popf; int $0x30")                                 \
	X(no_stack, "mov $2, %%eax; xor %%esp, %%esp; int $0x30")            \
	X(vellums_stack, "mov $2, %%eax; mov $0x40100000, %%rsp; int $0x30") \
	X(odd_stack, "mov $2, %%eax; movabs $0x8000000000000001, %%rsp; "    \
		     "int $0x30")                                            \
	X(no_segments, "xor %%eax, %%eax; mov %%eax, %%ds; "                 \
		       "mov %%eax, %%es; mov %%eax, %%fs; "                  \
		       "mov %%eax, %%gs; mov $2, %%eax; int $0x30")          \
	X(other_segments, "mov %%ss, %%eax; mov %%eax, %%ds; "               \
			  "mov %%eax, %%es; mov %%eax, %%fs; "               \
			  "mov %%eax, %%gs; mov $2, %%eax; int $0x30")       \
	X(prefetch_vellum, "mov $0x40000000, %%eax; prefetcht0 (%%rax)")     \
	X(stack_segment_and_call, "mov %%ss, %%ecx; mov $2, %%eax; "         \
				  "mov %%ecx, %%ss; int $0x30")              \
	X(pause, "pause")

#define UNUSUAL_CALL(function, code)                               \
	static int try_##function(void)                            \
	{                                                          \
		asm volatile("push %%rbx; push %%rbp; mov %%rsp, " \
			     "%%rbp; " code "; mov %%rbp, %%rsp; " \
			     "pop %%rbp; pop %%rbx"                \
			     :                                     \
			     :                                     \
			     : CLOBBERS);                          \
		return 0;                                          \
	}
UNUSUAL(UNUSUAL_CALL)

/* What the CPU may refuse or not, by its age: to tell where tables are, the
 * time, what it is; and two flags that it minds or not. */
#define EITHER_WAY(X)                                        \
	X(sgdt, "sub $16, %%rsp; sgdt (%%rsp)")              \
	X(sidt, "sub $16, %%rsp; sidt (%%rsp)")              \
	X(sldt, "sldt %%eax")                                \
	X(str, "str %%eax")                                  \
	X(smsw, "smsw %%eax")                                \
	X(rdtsc, "rdtsc")                                    \
	X(cpuid, "xor %%eax, %%eax; cpuid")                  \
	X(alignment, "pushf; orl $0x40000, (%%rsp); popf; "  \
		     "mov 1(%%rsp), %%eax; "                 \
		     "pushf; andl $~0x40000, (%%rsp); popf") \
	X(trap_flag_and_call, "mov $2, %%eax; pushf; "       \
			      "orl $0x100, (%%rsp); popf; int $0x30; nop")
EITHER_WAY(UNUSUAL_CALL)

/* IF and IOPL are not a program's to set: POPF leaves them. */
static int try_popf_iopl(void)
{
	u64 flags;

	asm volatile("pushf; orl $0x3200, (%%rsp); popf; pushf; pop %0"
		     : "=r"(flags)
		     :
		     : "cc");
	return flags & 0x3200 ? ESCAPED : 0;
}

/* All registers but RAX are as they were before a system call. */
static int try_registers(void)
{
	u64 sum = 0, r8 = 1;

	asm volatile("push %%rbx; push %%rbp;"
		     "mov $3, %%ebx; mov $5, %%ecx; mov $7, %%edx;"
		     "mov $11, %%esi; mov $13, %%edi; mov $17, %%ebp;"
		     "mov $19, %%r8d; mov $23, %%r9d; mov $29, %%r10d;"
		     "mov $31, %%r11d; mov $37, %%r12d; mov $41, %%r13d;"
		     "mov $43, %%r14d; mov $47, %%r15d; mov $2, %%eax;"
		     "int $0x30;"
		     "add %%rbx, %%rcx; add %%rcx, %%rdx; add %%rdx, %%rsi;"
		     "add %%rsi, %%rdi; add %%rdi, %%rbp; add %%rbp, %%r8;"
		     "add %%r8, %%r9; add %%r9, %%r10; add %%r10, %%r11;"
		     "add %%r11, %%r12; add %%r12, %%r13; add %%r13, %%r14;"
		     "add %%r14, %%r15; mov %%r15, %%rax; pop %%rbp; pop %%rbx"
		     : "=a"(sum), "+r"(r8)
		     :
		     : "rcx", "rdx", "rsi", "rdi", "r9", "r10", "r11", "r12",
		       "r13", "r14", "r15", "memory", "cc");
	return sum == 326 ? 0 : ESCAPED;
}

/* --- INT n: one piece of code for each n, four bytes long. */

asm(".pushsection .text\n"
    "int_n:\n"
    ".set n, 0\n"
    ".rept 256\n"
    ".byte 0xcd, n, 0xc3, 0x90\n"
    ".set n, n + 1\n"
    ".endr\n"
    ".popsection");
extern const char int_n[];

static int try_int_n(uint n)
{
	asm volatile("call *%0" : : "r"(int_n + 4 * n) : CLOBBERS);
	return ESCAPED;
}

/* --- All of them, one after the other. */

#define MUST_END(function, code)    {#function, ENDS, try_##function},
#define MUST_GO_ON(function, code)  {#function, GOES_ON, try_##function},
#define MAY_DO_BOTH(function, code) {#function, EITHER, try_##function},
#define PLAIN(function, must)                   \
	{                                       \
#function, must, try_##function \
	}

static const struct attempt attempts[] = {
	INSTRUCTIONS(MUST_END) MEMORY(MUST_END) UNUSUAL(MUST_GO_ON)
		EITHER_WAY(MAY_DO_BOTH) PLAIN(flush_vellum, EITHER),
	PLAIN(stack_overflow, ENDS),
	PLAIN(end_in_panic, ENDS),
	PLAIN(popf_iopl, GOES_ON),
	PLAIN(registers, GOES_ON),
	PLAIN(text_that_is_not_there, GOES_ON),
	PLAIN(names_that_are_none, GOES_ON),
	PLAIN(descriptors_that_are_none, GOES_ON),
	PLAIN(buffers_that_are_not_there, GOES_ON),
	PLAIN(all_descriptors, GOES_ON),
	PLAIN(all_domains, GOES_ON),
	PLAIN(unknown_calls, EITHER),
};

/* What a domain of its own answers, which makes the attempt @number. */
static int attempt_in_domain(int number)
{
	int d = newprocess("hostile"), result;

	if (d < 0)
		return d;
	result = msgsendint(d, number);
	msgclose(d);
	return result;
}

static bool ended_well(const struct attempt *a, int result)
{
	return (result == -EFAULT && a->must != GOES_ON) ||
	       (result == 0 && a->must != ENDS);
}

static int try_all(void)
{
	int escaped = 0, ended = 0;

	for (uint i = 0; i < ARRAY_SIZE(attempts); i++) {
		int result = attempt_in_domain(i + 1);
		bool well = ended_well(&attempts[i], result);

		printf("hostile: %s: %s\n", attempts[i].name,
		       !well        ? "ESCAPED"
		       : result < 0 ? "ended"
				    : "goes on");
		escaped += !well;
	}
	for (uint n = 0; n < VECTORS; n++)
		ended += n != SYSCALL_VECTOR &&
			 attempt_in_domain(INT_N + n) == -EFAULT;
	printf("hostile: INT n: %d of 255 ended\n", ended);
	escaped += ended != VECTORS - 1;
	printf("hostile: %s\n", escaped ? "ESCAPED" : "ok");
	return escaped ? -EFAULT : 0;
}

int program(int kind, int number, struct msgbuf *buf, uint count)
{
	if (kind != MSG_INT || number == 0)
		return try_all();
	if (number >= INT_N)
		return try_int_n(number - INT_N);
	return attempts[number - 1].run();
}

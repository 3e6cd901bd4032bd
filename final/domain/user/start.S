/*
 * Where a program begins, and its only way out. Book: chapter 11.
 *
 * The convention of a system call: number in RAX, arguments in RDI, RSI, RDX
 * and R10, result in RAX; Vellum keeps all other registers. It is an interrupt
 * and not SYSCALL, whose MSRs hold the guest's values while Vellum runs.
 */
#include "domain/abi.h"
#include "lib/errno.h"

	.section .text.start, "ax", @progbits
	.globl	_start, system_call, __sanitizer_cov_trace_pc

/*
 * Vellum calls this for each message, on a stack that holds nothing else.
 * In: EDI kind, ESI value, RDX buffers, ECX how many. Does not return: the
 * reply ends it. RBP = 0 is where a backtrace ends.
 */
	.type	_start, @function
_start:
	xorl	%ebp, %ebp
	andq	$-16, %rsp
	call	serve_message
	movslq	%eax, %rdi
	movl	$SYS_REPLY, %eax
	int	$SYSCALL_VECTOR
	ud2
	.size	_start, . - _start

/* long system_call(long number, u64 a, u64 b, u64 c, u64 d) */
	.type	system_call, @function
system_call:
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%r8, %r10
	int	$SYSCALL_VECTOR
	ret
	.size	system_call, . - system_call

/*
 * void __sanitizer_cov_trace_pc(void): GCC puts a call of this into each basic
 * block that it compiles (-fsanitize-coverage=trace-pc). After SLICE_BLOCKS of
 * them the CPU goes back to Vellum. So no loop that GCC has compiled holds it
 * for long, on a machine with one CPU and with no interrupt that would tell.
 */
	.type	__sanitizer_cov_trace_pc, @function
__sanitizer_cov_trace_pc:
	decl	blocks_left(%rip)
	jz	1f
	ret
1:	movl	$SLICE_BLOCKS, blocks_left(%rip)
	movl	$SYS_YIELD, %eax
	int	$SYSCALL_VECTOR
	cmpq	$-EINTR, %rax
	je	take_interrupt
	ret
	.size	__sanitizer_cov_trace_pc, . - __sanitizer_cov_trace_pc

	.data
	.balign	4
blocks_left:
	.long	SLICE_BLOCKS

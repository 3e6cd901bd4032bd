/*
 * Sleeping until called.
 *
 * void cpu_idle(const u32 *wake)
 *
 * In:  RDI -> the flag. Interrupts are off, NMIs are not.
 * Out: *wake was not 0, or an NMI came.
 *
 * An NMI could come after the look at the flag and before HLT, and then HLT
 * would sleep though there is work: CLI does not keep NMIs away, and there is
 * no instruction that enables them and sleeps. So the NMI handler (call.c)
 * looks where it interrupted us, and if that was between the labels, has us go
 * on behind the second.
 */
	.text
	.globl	cpu_idle, cpu_idle_start, cpu_idle_end
	.type	cpu_idle, @function
cpu_idle:
	.cfi_sections .debug_frame
	.cfi_startproc			/* a debugger finds many CPUs here */
cpu_idle_start:
	cmpl	$0, (%rdi)
	jne	cpu_idle_end
	hlt
cpu_idle_end:
	ret
	.cfi_endproc
	.size	cpu_idle, . - cpu_idle

	.section .note.GNU-stack, "", @progbits

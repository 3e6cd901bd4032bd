/*
 * Firmware leaves video memory uncached: each store goes to the device alone,
 * and a screen of 4K has eight million dots. With the type write-combining the
 * CPU collects stores into bursts of 64 bytes (SDM 3A 12.3.1).
 *
 * No entry of the PAT has this type after a reset, so one must be changed. But
 * the PAT belongs to whoever comes after us: the firmware, or the guest, which
 * gets what we have found. So it is ours only while we draw. Entry 1 is chosen
 * as Linux does; only the framebuffer's pages use it in our page tables, they
 * are never read, and so no cache holds anything of them. The TLB may hold
 * their old type (SDM 3A 12.12.4). Book: chapter 7.
 */
#include "efi/write_combining.h"

#include "lib/cpu.h"

#define CPUID_1_EDX_PAT BIT(16)

u64 write_combining_begin(void)
{
	u64 pat;

	if (!(cpuid(1, 0).edx & CPUID_1_EDX_PAT))
		return 0;
	pat = rdmsr(MSR_PAT);
	wrmsr(MSR_PAT, pat_write_combining(pat));
	write_cr3(read_cr3());
	return pat;
}

void write_combining_end(u64 pat)
{
	if (!(cpuid(1, 0).edx & CPUID_1_EDX_PAT))
		return;
	asm volatile("sfence" : : : "memory"); /* all is on the screen */
	wrmsr(MSR_PAT, pat);
	write_cr3(read_cr3());
}

/*
 * The other CPUs of a UEFI machine, which the firmware has started, and which
 * the loader brings to us one by one (efi/loader/processors.c). Each goes on as
 * a guest in the midst of the firmware's call, and so back into its loop.
 * Book: chapter 7.
 */
#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/printf.h"
#include "efi/handoff.h"
#include "efi/guest.h"
#include "efi/resume.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "paging/paging.h"
#include "smp/delay.h"
#include "smp/init_sipi.h"
#include "smp/lapic.h"
#include "smp/start.h"
#include "smp/trampoline.h"
#include "vmm/cr4.h"
#include "vmm/vcpu.h"

/* For cpus_entry.S. */
u64 efi_cpu_root;
u32 efi_cpu_efer;

/* What the loader says of the one that comes just now, and its state. */
static const struct efi_handoff *handoff;
static struct cpu_state arriving;

/* A CPU of the list that has not been started, by its APIC ID. */
static struct smp_cpu *find_self(void)
{
	struct smp_cpu *cpu = smp_find(lapic_id());

	return cpu && cpu->stack_top && cpu->state == CPU_OFF ? cpu : NULL;
}

static void go_on(struct vcpu *vcpu)
{
	efi_resume(vcpu, &arriving);
	printf("smp: the firmware has brought CPU %u\n", *this_cpu(cpu_number));
}

static void __noreturn run_on_own_stack(struct smp_cpu *cpu)
{
	asm volatile("mov %0, %%rsp\n\t"
		     "xor %%ebp, %%ebp\n\t" /* as in trampoline.S */
		     "push $0\n\t"
		     "jmp ap_entry"
		     :
		     : "r"(cpu->stack_top), "D"(cpu)
		     : "memory");
	__builtin_unreachable();
}

void efi_cpu_arrive(void) __noreturn;

/*
 * Called by cpus_entry.S. A CPU whose state can't be kept does not go back to
 * the firmware, where it would run outside Vellum: it is parked, and can be
 * started anew by an INIT.
 */
void efi_cpu_arrive(void)
{
	struct smp_cpu *cpu = find_self();

	if (!cpu || !handoff)
		smp_park();
	arriving = uefi_cpu_state(&handoff->cpu);
	if (arriving.cr4 & ~CR4_GUEST_MAY_SET)
		smp_park();
	cpu->go_on = go_on;
	run_on_own_stack(cpu);
}

/* The loader has copied the firmware's list below 1 GiB. */
int efi_census(u32 *ids, uint max, uint expected)
{
	const struct efi_handoff *h = &efi_handoff;
	int error = trampoline_init();

	delay_init();
	if (error)
		return error;
	if (!h->cpus || h->cpu_count > max)
		return -ENOENT;
	memcpy(ids, phys_to_direct(PHYS(h->cpus)), h->cpu_count * sizeof(*ids));
	return h->cpu_count;
}

void efi_expect_cpus(void (*every_cpu)(void))
{
	efi_cpu_root = paging_root().v;
	efi_cpu_efer = rdmsr(MSR_EFER) & EFER_NXE;
	if (!vcpu_ops || (smp_count == 1 && !smp_traps_icr()))
		return;
	smp_prepare(every_cpu);
	handoff = map_phys(efi_handoff_phys, sizeof(*handoff), MAP_READ);
	for (uint i = 1; i < smp_count; i++)
		if (!handoff || smp_cpu_prepare(&smp_cpus[i]))
			printf("smp: CPU %u: no memory\n", i);
	printf("smp: the firmware brings the other CPUs, else they come at "
	       "their first INIT\n");
}

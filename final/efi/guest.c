/*
 * The guest of a UEFI machine is the firmware itself. vellum.efi called us, and
 * its call returns: but into the guest. The firmware finds its page tables, its
 * descriptor tables and its interrupts as they were, and a range of memory in
 * its map that it gave away as "reserved". From there it starts whatever the
 * machine boots, and never learns that anything happened.
 *
 *	vellum.efi   switch_fn() ----> efi_entry ... launch
 *	                                               |
 *	vellum.efi   returns 1   <---- as the guest ---+
 *
 * Book: chapter 7.
 */
#include "console/printf.h"
#include "efi/guest.h"
#include "lib/cpu.h"
#include "efi/resume.h"
#include "vmm/cr4.h"
#include "vmm/launch.h"

/* A task register that was never loaded looks like this (SDM 3A 10.1.1). */
#define TSS_BUSY_64 0x8b
#define TSS_LIMIT   0xffff

_Static_assert((int)EFI_SEGMENTS == SEGMENT_COUNT && (int)EFI_TR == SEGMENT_TR,
	       "one order for both");

struct cpu_state uefi_cpu_state(const struct efi_cpu *cpu)
{
	struct cpu_state s = {
		.rip = cpu->rip,
		.rsp = cpu->rsp,
		.rflags = RFLAGS_FIXED, /* interrupts off; POPF follows */
		.rax = HANDOFF_IS_GUEST,
		.cr0 = cpu->cr0,
		.cr3 = cpu->cr3,
		.cr4 = cpu->cr4,
		.efer = cpu->efer,
		.gdtr_base = cpu->gdtr.base,
		.gdtr_limit = cpu->gdtr.limit,
		.idtr_base = cpu->idtr.base,
		.idtr_limit = cpu->idtr.limit,
	};

	for (uint i = 0; i < SEGMENT_COUNT; i++)
		s.segment[i] = segment_from_descriptor(cpu->selector[i],
						       cpu->descriptor[i][0],
						       cpu->descriptor[i][1]);
	s.segment[SEGMENT_FS].base = cpu->fs_base;
	s.segment[SEGMENT_GS].base = cpu->gs_base;
	if (!cpu->selector[EFI_TR])
		s.segment[SEGMENT_TR] = (struct segment_state){
			.access = TSS_BUSY_64,
			.limit = TSS_LIMIT,
		};
	return s;
}

void efi_resume(struct vcpu *vcpu, const struct cpu_state *state)
{
	if (CONFIG_VMX && vcpu_ops == &vmx_ops)
		vmx_resume(vcpu, state);
	else if (CONFIG_SVM)
		svm_resume(vcpu, state);
}

const char *efi_boot_guest(void)
{
	struct cpu_state state = uefi_cpu_state(&efi_handoff.cpu);
	u64 unknown = state.cr4 & ~CR4_GUEST_MAY_SET;

	if (unknown) {
		printf("vellum: the firmware runs with CR4 bits 0x%lx, which "
		       "Vellum can't keep for it%s\n",
		       unknown,
		       unknown & CR4_LA57 ? " (five-level paging)" : "");
		return "no guest was started";
	}
	efi_resume(vcpu_current(), &state);
	vmm_launch(": the firmware goes on as one");
}

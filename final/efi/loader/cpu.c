/*
 * Noting the state of the CPU that the firmware has set up. To come back means
 * to find all of it again; and the guest begins with it.
 */
#include "efi/loader/loader.h"
#include "lib/cpu.h"
#include "lib/string.h"

#define CPUID_HYPERVISOR 0x40000000

#define SELECTOR_LDT     BIT(2) /* TI: in the LDT, not the GDT */
#define SELECTOR_INDEX   0xfff8
#define DESCRIPTOR_SMALL 8
#define DESCRIPTOR_LARGE 16 /* of system segments in long mode */

#define DESCRIPTOR_TYPE(low) ((low) >> 40 & 0x1f)
#define BUSY_TSS             0x0b

#define READ_SELECTOR(name)                                \
	({                                                 \
		u16 selector;                              \
                                                           \
		asm volatile(name " %0" : "=r"(selector)); \
		selector;                                  \
	})

/* Copy the descriptor of segment @s out of the GDT. */
static void save_descriptor(struct efi_cpu *cpu, enum efi_segment s)
{
	u16 selector = cpu->selector[s];
	uint offset = selector & SELECTOR_INDEX;
	uint size = s == EFI_LDTR || s == EFI_TR ? DESCRIPTOR_LARGE
						 : DESCRIPTOR_SMALL;

	if (!offset || (selector & SELECTOR_LDT) ||
	    offset + size - 1 > cpu->gdtr.limit)
		return;
	memcpy(cpu->descriptor[s], (u8 *)cpu->gdtr.base + offset, size);
}

/*
 * Most firmware has no task state segment: then the task register is 0, or
 * what Vellum left there at an earlier visit, for 0 can't be loaded.
 */
void cpu_save(struct efi_cpu *cpu)
{
	cpu->cr0 = read_cr0();
	cpu->cr3 = read_cr3();
	cpu->cr4 = read_cr4();
	cpu->efer = rdmsr(MSR_EFER);
	cpu->fs_base = rdmsr(MSR_FS_BASE);
	cpu->gs_base = rdmsr(MSR_GS_BASE);
	asm volatile("sgdt %0" : "=m"(cpu->gdtr));
	asm volatile("sidt %0" : "=m"(cpu->idtr));
	cpu->selector[EFI_ES] = READ_SELECTOR("mov %%es,");
	cpu->selector[EFI_CS] = READ_SELECTOR("mov %%cs,");
	cpu->selector[EFI_SS] = READ_SELECTOR("mov %%ss,");
	cpu->selector[EFI_DS] = READ_SELECTOR("mov %%ds,");
	cpu->selector[EFI_FS] = READ_SELECTOR("mov %%fs,");
	cpu->selector[EFI_GS] = READ_SELECTOR("mov %%gs,");
	cpu->selector[EFI_LDTR] = READ_SELECTOR("sldt");
	cpu->selector[EFI_TR] = READ_SELECTOR("str");
	for (enum efi_segment s = EFI_ES; s < EFI_SEGMENTS; s++)
		save_descriptor(cpu, s);
	if (DESCRIPTOR_TYPE(cpu->descriptor[EFI_TR][0]) != BUSY_TSS)
		cpu->selector[EFI_TR] = 0;
}

bool cpu_has_vellum(void)
{
	struct cpuid_regs r = cpuid(CPUID_HYPERVISOR, 0);

	return !memcmp(&r.ebx, "VellumVellum", 12);
}

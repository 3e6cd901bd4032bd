/*
 * The guest's state after INIT, or where the BIOS would have jumped to a boot
 * sector (SDM 3A 10.1.1, table 10-1).
 *
 * Real mode in a VMCS: unrestricted guest allows CR0.PE = 0, and each segment
 * register then holds what a real CPU would have in its hidden part: a base of
 * 16 times the selector, a limit of 64 KiB, and the rights of writable data,
 * CS too.
 */
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vmx/vmx.h"

/* Access rights (SDM 3C 25.4.1, table 25-2). */
#define AR_REAL_MODE 0x93 /* present, writable data, accessed */
#define AR_LDT       0x82 /* present, LDT */
#define AR_BUSY_TSS  0x8b /* present, busy 32-bit or 64-bit TSS */

#define RESET_CS      0xf000
#define RESET_CS_BASE 0xffff0000
#define RESET_IP      0xfff0

#define MISC_WAIT_FOR_SIPI     BIT(8) /* IA32_VMX_MISC */
#define ACTIVITY_WAIT_FOR_SIPI 3

static void set_segment(enum segment s, u16 selector, u64 base, u32 rights)
{
	vmcs_write(VMCS_GUEST_ES_SELECTOR + 2 * s, selector);
	vmcs_write(VMCS_GUEST_ES_BASE + 2 * s, base);
	vmcs_write(VMCS_GUEST_ES_LIMIT + 2 * s, 0xffff);
	vmcs_write(VMCS_GUEST_ES_AR + 2 * s, rights);
}

static void set_real_mode_segment(enum segment s, u16 selector)
{
	set_segment(s, selector, (u64)selector << 4, AR_REAL_MODE);
}

static void reset_segments(void)
{
	for (enum segment s = ES; s <= GS; s++)
		set_real_mode_segment(s, 0);
	set_segment(CS, RESET_CS, RESET_CS_BASE, AR_REAL_MODE);
	set_segment(LDTR, 0, 0, AR_LDT);
	set_segment(TR, 0, 0, AR_BUSY_TSS);
	vmcs_write(VMCS_GUEST_GDTR_BASE, 0);
	vmcs_write(VMCS_GUEST_GDTR_LIMIT, 0xffff);
	vmcs_write(VMCS_GUEST_IDTR_BASE, 0);
	vmcs_write(VMCS_GUEST_IDTR_LIMIT, 0xffff);
}

/*
 * Debug registers are the guest's, and we never use them; so the CPU's own are
 * set, but for DR7, which each exit saves and clears.
 */
static void reset_debug_registers(void)
{
	clear_breakpoints();
	asm volatile("mov %0, %%dr6" : : "r"(DR6_RESET));
	vmcs_write(VMCS_GUEST_DR7, DR7_RESET);
}

static void set_real_mode_entry(struct vcpu *vcpu,
				const struct real_mode_entry *entry)
{
	set_real_mode_segment(CS, entry->cs);
	set_real_mode_segment(SS, entry->ss);
	set_real_mode_segment(DS, entry->ds);
	set_real_mode_segment(ES, entry->es);
	vmcs_write(VMCS_GUEST_RIP, entry->ip);
	vmcs_write(VMCS_GUEST_RSP, entry->sp);
	vcpu->regs.rdx = entry->dl;
}

/*
 * INIT leaves CR0.CD and NW as they are, and so do we with the guest's first
 * start: the BIOS has switched the caches on.
 */
void vmx_reset(struct vcpu *vcpu, const struct real_mode_entry *entry)
{
	vmx_clear_events();
	vmx_nmi_reset();
	memset(&vcpu->regs, 0, sizeof(vcpu->regs));
	vcpu->regs.rdx = cpuid(1, 0).eax; /* family, model, stepping */
	reset_segments();
	reset_debug_registers();
	vmx_set_efer(0);
	vmcs_write(VMCS_GUEST_CR3, 0);
	vmx_set(vcpu, VCPU_CR4, 0);
	vmx_load_cr0(vcpu,
		     CR0_ET | (vmx_get(vcpu, VCPU_CR0) & (CR0_CD | CR0_NW)));
	vmcs_write(VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
	vmcs_write(VMCS_GUEST_RIP, RESET_IP);
	vmcs_write(VMCS_GUEST_RSP, 0);
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmcs_write(VMCS_GUEST_ACTIVITY, 0);
	vmcs_write(VMCS_GUEST_PENDING_DEBUG, 0);
	if (entry)
		set_real_mode_entry(vcpu, entry);
	vmx_flush_vpid();
}

void vmx_start(struct vcpu *vcpu, u8 vector)
{
	vmx_reset(vcpu, NULL);
	set_real_mode_segment(CS, vector << 8);
	vmcs_write(VMCS_GUEST_RIP, 0);
}

/*
 * In this state the CPU is in the guest, and yet nothing but a SIPI, which
 * exits, makes it go on (SDM 3C 25.4.2). Only what the entry insists on is done
 * here (SDM 3C 27.3.1.5), besides a first state for a CPU that has none: a SIPI
 * that comes before the entry is lost, and 10 us after the INIT it may be here.
 * The reset is for vmx_start() to do.
 */
int vmx_wait_for_sipi(struct vcpu *vcpu, bool probe)
{
	const struct vmx_vcpu *vmx;

	if (!(vmx_caps()->misc & MISC_WAIT_FOR_SIPI))
		return -ENODEV;
	if (probe)
		return 0;
	vmx = vcpu->backend;
	if (!vmx->launched)
		vmx_reset(vcpu, NULL);
	vmcs_write(VMCS_GUEST_ACTIVITY, ACTIVITY_WAIT_FOR_SIPI);
	vmx_clear_events();
	vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, 0);
	vmcs_write(VMCS_GUEST_PENDING_DEBUG, 0);
	return 0;
}

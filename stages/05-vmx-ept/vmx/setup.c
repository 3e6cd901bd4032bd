/*
 * Making a VMCS: a page for the CPU, the controls that say what exits, the
 * host's half, and the constant part of the guest's (SDM 3C 25.11.3, 32.6).
 *
 * What exits is as little as the architecture allows: CPUID, XSETBV, INVD,
 * VMX instructions and triple faults always do; we add NMIs, the MSRs that
 * have a handler, and #DB and #AC (see events.c). Interrupts, HLT, CR3,
 * INVLPG, the TSC, I/O ports (but see io.c) and all other exceptions stay the
 * guest's own affair.
 * Book: chapter 5.
 */
#include "heap/heap.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/gdt.h"
#include "paging/guarded.h"
#include "vmm/msr.h"
#include "vmx/vmx.h"

#define MSR_PERF_GLOBAL_CTRL 0x38f

static void *new_zeroed_page(phys_t *phys)
{
	void *page = new_page(phys);

	return page ? memset(page, 0, PAGE_SIZE) : NULL;
}

/* A fresh VMCS, made this CPU's current one. */
static int new_vmcs(const struct vmx_caps *caps, phys_t *phys)
{
	void *page = new_zeroed_page(phys);
	bool failed;

	if (!page)
		return -ENOMEM;
	*(u32 *)page = caps->basic & BASIC_REVISION;
	asm volatile("vmclear %1" : "=@ccbe"(failed) : "m"(*phys) : "memory");
	if (!failed)
		asm volatile("vmptrld %1"
			     : "=@ccbe"(failed)
			     : "m"(*phys)
			     : "memory");
	return failed ? -EINVAL : 0;
}

static void set_controls(const struct vmx_caps *caps, struct vmx_vcpu *vmx)
{
	u32 proc2 = vmx_choose_control(caps, CONTROL_PROC2);

	vmx->proc_controls = vmx_choose_control(caps, CONTROL_PROC);
	vmcs_write(VMCS_PIN_CONTROLS, vmx_choose_control(caps, CONTROL_PIN));
	vmcs_write(VMCS_PROC_CONTROLS, vmx->proc_controls);
	vmcs_write(VMCS_PROC2_CONTROLS, proc2);
	vmcs_write(VMCS_EXIT_CONTROLS, vmx_choose_control(caps, CONTROL_EXIT));
	vmcs_write(VMCS_ENTRY_CONTROLS,
		   vmx_choose_control(caps, CONTROL_ENTRY));

	vmcs_write(VMCS_EXCEPTION_BITMAP, VMX_EXITING_EXCEPTIONS);
	vmcs_write(VMCS_PF_ERROR_MASK, 0);
	vmcs_write(VMCS_PF_ERROR_MATCH, 0);
	vmcs_write(VMCS_CR3_TARGET_COUNT, 0);
	vmcs_write(VMCS_CR0_MASK, vmx_cr0_mask(caps));
	vmcs_write(VMCS_CR4_MASK, vmx_cr4_mask(caps));
	vmcs_write(VMCS_CR0_SHADOW, 0); /* caches are on: vmx_reset() */
	vmcs_write(VMCS_LINK_POINTER, ~0UL);
	/* Tags belong to one CPU's TLB, so every CPU can use the same. */
	if (proc2 & PROC2_VPID)
		vmcs_write(VMCS_VPID, 1);
	if (proc2 & PROC2_XSAVES)
		vmcs_write(VMCS_XSS_EXITING_BITMAP, 0);
}

/*
 * Where this CPU's tables are, as the CPU itself tells. Exits set the limits of
 * GDTR and IDTR to 0xffff (SDM 3C 28.5.2); that is harmless, for we use no
 * selector or vector beyond our tables.
 */
static void set_host_tables(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed gdtr, idtr;
	const u64 *tss;

	asm volatile("sgdt %0" : "=m"(gdtr));
	asm volatile("sidt %0" : "=m"(idtr));
	tss = (const u64 *)(gdtr.base + SEL_TSS);
	vmcs_write(VMCS_HOST_GDTR_BASE, gdtr.base);
	vmcs_write(VMCS_HOST_IDTR_BASE, idtr.base);
	/* The base is in pieces of the TSS's descriptor (SDM 3A 8.2.3). */
	vmcs_write(VMCS_HOST_TR_BASE, (tss[0] >> 16 & 0xffffff) |
					      tss[0] >> 56 << 24 |
					      tss[1] << 32);
}

static void set_host_state(void)
{
	vmcs_write(VMCS_HOST_CR0, read_cr0());
	vmcs_write(VMCS_HOST_CR3, read_cr3());
	vmcs_write(VMCS_HOST_CR4, read_cr4());
	vmcs_write(VMCS_HOST_EFER, rdmsr(MSR_EFER));
	vmcs_write(VMCS_HOST_PAT, rdmsr(MSR_PAT));
	vmcs_write(VMCS_HOST_CS_SELECTOR, SEL_CODE);
	vmcs_write(VMCS_HOST_SS_SELECTOR, SEL_DATA);
	vmcs_write(VMCS_HOST_DS_SELECTOR, SEL_DATA);
	vmcs_write(VMCS_HOST_ES_SELECTOR, SEL_DATA);
	vmcs_write(VMCS_HOST_FS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_GS_SELECTOR, 0);
	vmcs_write(VMCS_HOST_TR_SELECTOR, SEL_TSS);
	vmcs_write(VMCS_HOST_FS_BASE, 0);
	vmcs_write(VMCS_HOST_GS_BASE, rdmsr(MSR_GS_BASE));
	set_host_tables();
	vmcs_write(VMCS_HOST_SYSENTER_CS, 0);
	vmcs_write(VMCS_HOST_SYSENTER_ESP, 0);
	vmcs_write(VMCS_HOST_SYSENTER_EIP, 0);
	vmcs_write(VMCS_HOST_RIP, (u64)vmx_exit_label);
}

/* MSRs that INIT leaves alone: the guest starts with what firmware set. */
static void set_guest_msrs(void)
{
	vmcs_write(VMCS_GUEST_PAT, rdmsr(MSR_PAT));
	vmcs_write(VMCS_GUEST_DEBUGCTL, 0);
	vmcs_write(VMCS_GUEST_SYSENTER_CS, rdmsr(MSR_SYSENTER_CS));
	vmcs_write(VMCS_GUEST_SYSENTER_ESP, rdmsr(MSR_SYSENTER_ESP));
	vmcs_write(VMCS_GUEST_SYSENTER_EIP, rdmsr(MSR_SYSENTER_EIP));
}

/*
 * The guest's performance counters stand still in Vellum: an exit stores its
 * PERF_GLOBAL_CTRL and loads 0, an entry loads what was stored. There are
 * controls for that as well, but no old CPU has the one that stores, and some
 * load wrongly (erratum AAK155 and its like); lists of MSRs do the same on
 * every CPU (SDM 3C 25.7.2, 25.8.2). Where the register is missing, whatever
 * CPUID says, the lists stay empty: one that can't be loaded ends the machine.
 */
static void switch_counters(struct vmx_vcpu *vmx, phys_t at)
{
	u64 now = 0;
	u64 count = !guarded_rdmsr(MSR_PERF_GLOBAL_CTRL, &now);

	vmx->switched->guest.value = now;
	vmx->switched->guest.index = MSR_PERF_GLOBAL_CTRL;
	vmx->switched->host.index = MSR_PERF_GLOBAL_CTRL;
	vmcs_write(VMCS_EXIT_MSR_STORE_COUNT, count);
	vmcs_write(VMCS_EXIT_MSR_STORE_ADDR, at.v);
	vmcs_write(VMCS_ENTRY_MSR_LOAD_COUNT, count);
	vmcs_write(VMCS_ENTRY_MSR_LOAD_ADDR, at.v);
	vmcs_write(VMCS_EXIT_MSR_LOAD_COUNT, count);
	vmcs_write(VMCS_EXIT_MSR_LOAD_ADDR,
		   at.v + offsetof(struct vmx_switched, host));
}

int vmx_create(struct vcpu *vcpu)
{
	const struct vmx_caps *caps = vmx_caps();
	struct vmx_vcpu *vmx = alloc(sizeof(*vmx));
	phys_t bitmap, switched;
	int error;

	if (!vmx)
		return -ENOMEM;
	memset(vmx, 0, sizeof(*vmx));
	vcpu->backend = vmx;
	error = new_vmcs(caps, &vmx->vmcs);
	if (error)
		return error; /* nobody goes on without a virtual CPU */
	vmx->msr_bitmap = new_zeroed_page(&bitmap);
	vmx->switched = new_zeroed_page(&switched);
	if (!vmx->msr_bitmap || !vmx->switched)
		return -ENOMEM;
	memset(vmx->msr_bitmap + MSR_BITMAP_WRITES, 0xff, MSR_BITMAP_WRITES);

	set_controls(caps, vmx);
	switch_counters(vmx, switched);
	vmcs_write(VMCS_MSR_BITMAP, bitmap.v);
	vmx->cr0_fixed = vmx_cr0_mask(caps) & caps->cr0_fixed0;
	set_host_state();
	set_guest_msrs();
	vmx_intercept_own_msrs(vcpu);
	msr_intercept_all(vcpu);
	error = vmx_build_map(vcpu);
	if (error)
		return error;
	vmx_nmi_init(vmx);
	return 0;
}

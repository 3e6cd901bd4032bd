/*
 * Switching SVM on, and a VMCB that exits as rarely as can be.
 *
 * Not intercepted: interrupts (with V_INTR_MASKING off they go straight to the
 * guest), HLT, control registers, page faults, nearly all MSRs and I/O ports.
 * Intercepted: CPUID, so that the guest sees what we want it to see; SVM's own
 * instructions, since EFER.SVME must be set in the VMCB and they would work;
 * INVD; NMI; INIT; shutdown; #DB and #AC (see run.c); the few MSRs of msr.c
 * and I/O ports of io.c.
 * Control registers need no intercept: AMD has no CR4 bit that is dangerous to
 * us, and ours come back with every exit. Book: chapter 5.
 */
#include "console/panic.h"
#include "heap/heap.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/paging.h"
#include "paging/trap.h"
#include "svm/svm.h"
#include "vmm/msr.h"

#define INTERCEPTS1                                              \
	(INTERCEPT1_NMI | INTERCEPT1_INIT | INTERCEPT1_CPUID |   \
	 INTERCEPT1_INVD | INTERCEPT1_INVLPGA | INTERCEPT1_MSR | \
	 INTERCEPT1_SHUTDOWN)
#define INTERCEPTS2                                                  \
	(INTERCEPT2_VMRUN | INTERCEPT2_VMMCALL | INTERCEPT2_VMLOAD | \
	 INTERCEPT2_VMSAVE | INTERCEPT2_STGI | INTERCEPT2_CLGI |     \
	 INTERCEPT2_SKINIT)

#define CR0_AFTER_INIT   (CR0_ET | CR0_NW | CR0_CD) /* SDM 3A table 10-1 */
#define CPUID_ENCRYPTION 0x8000001f /* EAX 0: SME; EBX 5:0: its bit */

#define DR6_AFTER_INIT 0xffff0ff0
#define DR7_AFTER_INIT 0x400

#define SEGMENT_DATA 0x93 /* present, writable, accessed */
#define SEGMENT_CODE 0x9b /* present, readable, accessed */
#define SEGMENT_LDT  0x82
#define SEGMENT_TSS  0x8b /* busy */

/*
 * NPT entries are ordinary page-table entries, and every access of the guest
 * counts as a user access (APM 2 15.25.5). Accessed and dirty are set, which
 * spares the CPU the write.
 */
#define NPT_P  BIT(0)
#define NPT_W  BIT(1)
#define NPT_U  BIT(2)
#define NPT_A  BIT(5)
#define NPT_D  BIT(6)
#define NPT_PS BIT(7)
#define NPT_NX BIT(63)

static struct nested_format npt_format = {
	.table = NPT_P | NPT_W | NPT_U | NPT_A,
	.leaf = NPT_P | NPT_U | NPT_A | NPT_D,
	.write = NPT_W,
	.large = NPT_PS,
	.no_exec = NPT_NX,
};

/* An #SX tells us of an INIT (APM 2 15.28); with it, the INIT is over. */
static bool swallow_init(struct trap_frame *frame)
{
	return true;
}

#define VECTOR_SX 30

int svm_enable(void)
{
	phys_t host_save;
	u64 vm_cr;
	void *page;
	int error = alloc_page(&page, &host_save);

	if (error)
		return error;
	memset(page, 0, PAGE_SIZE);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, host_save.v);
	/* An INIT to us becomes an exception, not a reset behind our back; and
	 * a guest that masks address line 20 can't do that to us. (Intel's
	 * CPUs block A20M# in VMX operation: SDM 3C 31.3, VMXON.) */
	trap_set_handler(VECTOR_SX, swallow_init);
	if (!guarded_rdmsr(MSR_VM_CR, &vm_cr))
		guarded_wrmsr(MSR_VM_CR, vm_cr | VM_CR_R_INIT | VM_CR_DIS_A20M);
	return 0;
}

/*
 * How wide is an address of memory? Where the CPU can encrypt memory, one bit
 * of an address says so (APM 2 7.10.1): with it, our own range would be found
 * at another address, too. What is above it is not mapped for the guest.
 */
static uint address_bits(void)
{
	uint bits = MIN(cpuid(0x80000008, 0).eax & 0xff, 48U);
	struct cpuid_regs r;

	if (cpuid(0x80000000, 0).eax < CPUID_ENCRYPTION)
		return bits;
	r = cpuid(CPUID_ENCRYPTION, 0);
	return r.eax & BIT(0) ? MIN(bits, r.ebx & 0x3f) : bits;
}

/* The entries have no types, but a leaf must not span MTRRs that differ. */
static int build_npt(struct vcpu *vcpu)
{
	struct mtrr_state mtrr;

	npt_format.has_1g = svm_has_1g_pages();
	mtrr_read(&mtrr);
	return nested_root_init(&vcpu->root, &npt_format, &mtrr,
				BIT(address_bits()));
}

/* Our own FS, GS, TR and SYSCALL registers, for the VMLOAD after an exit. */
static int save_host_state(struct svm_vcpu *svm)
{
	void *page;
	int error = alloc_page(&page, &svm->host_vmcb_phys);

	if (error)
		return error;
	memset(page, 0, PAGE_SIZE);
	asm volatile("vmsave %%rax" : : "a"(svm->host_vmcb_phys) : "memory");
	return 0;
}

static void fill_controls(struct vcpu *vcpu)
{
	struct vmcb_control *c = &svm_vmcb(vcpu)->control;

	c->intercept_exceptions = SVM_EXITING_EXCEPTIONS;
	c->intercept1 = INTERCEPTS1;
	c->intercept2 = INTERCEPTS2;
	c->msrpm_base = svm_vcpu(vcpu)->msrpm_phys.v;
	c->asid = 1;
	c->tlb_control = TLB_CONTROL_FLUSH_ALL;
	c->nested_control = NESTED_NP_ENABLE;
	c->nested_cr3 = vcpu->root.table.v;
}

int svm_create(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = alloc(sizeof(*svm));
	int error;

	if (!svm)
		return -ENOMEM;
	memset(svm, 0, sizeof(*svm));
	vcpu->backend = svm;
	svm->nrips = cpuid(0x8000000a, 0).edx & SVM_FEATURE_NRIPS;
	error = alloc_page((void **)&svm->vmcb, &svm->vmcb_phys);
	if (!error)
		error = alloc_pages((void **)&svm->msrpm, &svm->msrpm_phys,
				    MSRPM_SIZE / PAGE_SIZE);
	if (!error)
		error = save_host_state(svm);
	if (!error)
		error = build_npt(vcpu);
	if (error)
		return error;
	memset(svm->vmcb, 0, sizeof(*svm->vmcb));
	memset(svm->msrpm, 0, MSRPM_SIZE);
	fill_controls(vcpu);
	svm_intercept_msr(vcpu, MSR_EFER, true, true);
	svm_intercept_msr(vcpu, MSR_VM_CR, true, true);
	svm_intercept_msr(vcpu, MSR_VM_HSAVE_PA, true, true);
	svm_intercept_msr(vcpu, MSR_SVM_KEY, true, true);
	msr_intercept_all(vcpu);
	return 0;
}

static struct vmcb_segment segment(u16 selector, u64 base, u16 attributes)
{
	return (struct vmcb_segment){
		.selector = selector,
		.base = base,
		.limit = 0xffff,
		.attributes = attributes,
	};
}

static struct vmcb_segment real_mode_data(u16 selector)
{
	return segment(selector, (u64)selector << 4, SEGMENT_DATA);
}

/* APM 2 14.1.3, table 14-1: the state after INIT. */
static void reset_save_area(struct vmcb_save *s)
{
	u64 pat = rdmsr(MSR_PAT);

	memset(s, 0, sizeof(*s));
	s->cs = segment(0xf000, 0xffff0000, SEGMENT_CODE);
	s->es = s->ss = s->ds = s->fs = s->gs = real_mode_data(0);
	s->gdtr = s->idtr = segment(0, 0, 0);
	s->ldtr = segment(0, 0, SEGMENT_LDT);
	s->tr = segment(0, 0, SEGMENT_TSS);
	s->rip = 0xfff0;
	s->rflags = RFLAGS_FIXED;
	s->cr0 = CR0_AFTER_INIT;
	s->dr6 = DR6_AFTER_INIT;
	s->dr7 = DR7_AFTER_INIT;
	s->efer = EFER_SVME; /* must be set; the guest doesn't see it */
	s->g_pat = pat;
}

void svm_reset(struct vcpu *vcpu, const struct real_mode_entry *entry)
{
	struct vmcb *vmcb = svm_vmcb(vcpu);
	struct vmcb_save *s = &vmcb->save;

	memset(&vcpu->regs, 0, sizeof(vcpu->regs));
	vcpu->regs.rdx = cpuid(1, 0).eax;
	svm_nmi_reset(vcpu);
	svm_vcpu(vcpu)->nmi.waits = false;
	vmcb->control.tlb_control = TLB_CONTROL_FLUSH_ALL;
	vmcb->control.interrupt_shadow = 0;
	vmcb->control.event_injection = 0;
	reset_save_area(s);
	if (!entry)
		return;
	s->cr0 = CR0_ET | (read_cr0() & (CR0_CD | CR0_NW));
	s->cs = segment(entry->cs, (u64)entry->cs << 4, SEGMENT_CODE);
	s->ss = real_mode_data(entry->ss);
	s->ds = real_mode_data(entry->ds);
	s->es = real_mode_data(entry->es);
	s->idtr.limit = 0x3ff; /* the real-mode vector table */
	s->rip = entry->ip;
	s->rsp = entry->sp;
	vcpu->regs.rdx = entry->dl;
}

void svm_start(struct vcpu *vcpu, u8 vector)
{
	struct vmcb_save *s = &svm_vmcb(vcpu)->save;

	svm_reset(vcpu, NULL);
	s->cs = segment(vector << 8, (u64)vector << 12, SEGMENT_CODE);
	s->rip = 0;
}

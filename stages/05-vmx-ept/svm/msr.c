/*
 * MSRs under SVM: the permission bitmap, and the few that we answer.
 *
 * EFER must have SVME set while the guest runs, and the guest must not see
 * it. VM_CR belongs to SVM, which the guest does not have.
 */
#include "lib/cpu.h"
#include "lib/errno.h"
#include "paging/guarded.h"
#include "svm/svm.h"
#include "vmm/msr.h"

#define MSR_OLD_PERF_CTL0 0xc0010000
#define MSR_OLD_PERF_CTL3 0xc0010003
#define MSR_PATCH_LOADER  0xc0010020
#define MSR_PERF_CTL0     0xc0010200
#define MSR_PERF_CTR5     0xc001020b

#define PERF_GUEST_ONLY BIT(40)
#define PERF_HOST_ONLY  BIT(41)

/* More EFER bits (APM 2 3.1.7). */
#define EFER_LMSLE BIT(13)
#define EFER_FFXSR BIT(14)
#define EFER_TCE   BIT(15)
#define EFER_UAIE  BIT(20)
#define EFER_AIBRS BIT(21)

/* The bits of EFER that this CPU lets be set, SVME aside. */
static u64 efer_allowed(void)
{
	struct cpuid_regs r = cpuid(0x80000001, 0);
	u64 allowed = EFER_LMA;

	if (r.edx & BIT(11))
		allowed |= EFER_SCE;
	if (r.edx & BIT(29))
		allowed |= EFER_LME;
	if (r.edx & BIT(20))
		allowed |= EFER_NXE;
	if (r.edx & BIT(25))
		allowed |= EFER_FFXSR;
	if (r.ecx & BIT(17))
		allowed |= EFER_TCE;
	if (cpuid(0x80000000, 0).eax >= 0x80000021) {
		r = cpuid(0x80000021, 0);
		if (r.eax & BIT(7))
			allowed |= EFER_UAIE;
		if (r.eax & BIT(8))
			allowed |= EFER_AIBRS;
	}
	return allowed;
}

static int write_efer(struct vmcb_save *s, u64 value)
{
	bool paging = s->cr0 & CR0_PG;

	if (value & ~efer_allowed())
		return -EPERM;
	if (paging && ((value ^ s->efer) & EFER_LME))
		return -EPERM; /* LME can't change under paging */
	/* LMA is not written but follows LME and paging. */
	s->efer = (value & ~EFER_LMA) | (s->efer & EFER_LMA) | EFER_SVME;
	return 0;
}

/*
 * The guest's performance counters stand still in Vellum: there is no switch
 * for all of them that an exit could throw, but each can count in guests alone
 * (APM 2 13.2.1). Odd numbers from PERF_CTL0 on are the counters themselves.
 */
static int write_perf_ctl(u32 msr, u64 value)
{
	if (msr < MSR_PERF_CTL0 || !(msr & 1))
		value = (value & ~PERF_HOST_ONLY) | PERF_GUEST_ONLY;
	return guarded_wrmsr(msr, value);
}

int svm_read_msr(struct vcpu *vcpu, u32 msr, u64 *value)
{
	switch (msr) {
	case MSR_EFER:
		*value = svm_get(vcpu, VCPU_EFER);
		return 0;
	case MSR_VM_CR: /* SVM off, and locked so */
		*value = VM_CR_SVMDIS | VM_CR_LOCK;
		return 0;
	default:
		return -ENOENT;
	}
}

int svm_write_msr(struct vcpu *vcpu, u32 msr, u64 value)
{
	switch (msr) {
	case MSR_EFER:
		return write_efer(&svm_vmcb(vcpu)->save, value);
	case MSR_VM_CR:
		return -EPERM;
	case MSR_PATCH_LOADER:
		return msr_drop_microcode(vcpu, msr, value);
	case MSR_OLD_PERF_CTL0 ... MSR_OLD_PERF_CTL3:
	case MSR_PERF_CTL0 ... MSR_PERF_CTR5:
		return write_perf_ctl(msr, value);
	default:
		return -ENOENT;
	}
}

/* Of those that the two functions above answer, the ones whose reads exit. */
void svm_intercept_own_msrs(struct vcpu *vcpu)
{
	svm_intercept_msr(vcpu, MSR_EFER, true, true);
	svm_intercept_msr(vcpu, MSR_VM_CR, true, true);
}

/*
 * The bitmap has two bits, read and write, for each MSR of three ranges
 * (APM 2 15.11).
 */
void svm_intercept_msr(struct vcpu *vcpu, u32 msr, bool read, bool write)
{
	static const struct {
		u32 first, offset;
	} ranges[] = {{0, 0}, {0xc0000000, 0x800}, {0xc0010000, 0x1000}};
	u8 *map = svm_vcpu(vcpu)->msrpm;

	for (uint i = 0; i < ARRAY_SIZE(ranges); i++) {
		u32 n = msr - ranges[i].first;

		if (msr < ranges[i].first || n >= 0x2000)
			continue;
		map += ranges[i].offset + n / 4;
		*map &= ~(3 << n % 4 * 2);
		*map |= (read | write << 1) << n % 4 * 2;
		return;
	}
}

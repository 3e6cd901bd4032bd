/*
 * MSRs that must not be the guest's own: VMX is hidden, so its MSRs raise #GP
 * as on a CPU without it. IA32_FEATURE_CONTROL reads as locked with VMX and
 * SMX off, which is how a firmware that keeps VMX from the system leaves it.
 *
 * Four features write to memory on their own account, by addresses that the
 * EPT does not see or while Vellum runs: PEBS and BTS (the debug store),
 * Processor Trace, and the hardware feedback interface. They are hidden in
 * CPUID, and their MSRs raise #GP.
 */
#include "lib/cpu.h"
#include "lib/errno.h"
#include "paging/guarded.h"
#include "vmm/msr.h"
#include "vmx/vmx.h"

#define MSR_SMM_MONITOR_CTL 0x9b
#define MSR_MISC_ENABLE     0x1a0
#define MSR_PEBS_ENABLE     0x3f1
#define MSR_RTIT_FIRST      0x560
#define MSR_RTIT_LAST       0x587
#define MSR_DS_AREA         0x600
#define MSR_XSS             0xda0
#define MSR_HFI_FIRST       0x17d0
#define MSR_HFI_LAST        0x17d4

#define MISC_BTS_UNAVAILABLE  BIT(11)
#define MISC_PEBS_UNAVAILABLE BIT(12)
#define MISC_XD_DISABLE       BIT(34)

/* State components without side effects on us: HDC, HWP (SDM 1 13.1). */
#define XSS_GUEST_MAY_SET (BIT(13) | BIT(16))

static int refuse_msr_read(struct vcpu *vcpu, u32 msr, u64 *value)
{
	return -EPERM;
}

static int refuse_msr_write(struct vcpu *vcpu, u32 msr, u64 value)
{
	return -EPERM;
}

static int read_feature_control(struct vcpu *vcpu, u32 msr, u64 *value)
{
	*value = (rdmsr(msr) | FEATURE_LOCKED) &
		 ~(FEATURE_VMX | FEATURE_VMX_SMX | FEATURE_SENTER);
	return 0;
}

static int read_misc_enable(struct vcpu *vcpu, u32 msr, u64 *value)
{
	if (guarded_rdmsr(msr, value))
		return -EPERM;
	*value |= MISC_BTS_UNAVAILABLE | MISC_PEBS_UNAVAILABLE;
	return 0;
}

/* Two bits are read-only, and we changed them on reading. The third switches
 * the no-execute bit off, which our own page tables need. */
static int write_misc_enable(struct vcpu *vcpu, u32 msr, u64 value)
{
	u64 now, ours = MISC_BTS_UNAVAILABLE | MISC_PEBS_UNAVAILABLE |
			MISC_XD_DISABLE;
	int error = guarded_rdmsr(msr, &now);

	if (error)
		return error;
	return guarded_wrmsr(msr, (value & ~ours) | (now & ours));
}

static int write_xss(struct vcpu *vcpu, u32 msr, u64 value)
{
	if (value & ~XSS_GUEST_MAY_SET)
		return -EPERM;
	return guarded_wrmsr(msr, value);
}

/* NULL: not intercepted. */
static const struct own_msr {
	u32 first, last;
	msr_read_fn *read;
	msr_write_fn *write;
} own_msrs[] = {
	{MSR_FEATURE_CONTROL, MSR_FEATURE_CONTROL, read_feature_control,
	 refuse_msr_write},
	{MSR_SMM_MONITOR_CTL, MSR_SMM_MONITOR_CTL, refuse_msr_read,
	 refuse_msr_write},
	{MSR_MISC_ENABLE, MSR_MISC_ENABLE, read_misc_enable, write_misc_enable},
	{MSR_PEBS_ENABLE, MSR_PEBS_ENABLE, refuse_msr_read, refuse_msr_write},
	{MSR_VMX_BASIC, MSR_VMX_LAST, refuse_msr_read, refuse_msr_write},
	{MSR_RTIT_FIRST, MSR_RTIT_LAST, refuse_msr_read, refuse_msr_write},
	{MSR_DS_AREA, MSR_DS_AREA, refuse_msr_read, refuse_msr_write},
	{MSR_XSS, MSR_XSS, NULL, write_xss},
	{MSR_HFI_FIRST, MSR_HFI_LAST, refuse_msr_read, refuse_msr_write},
};

static const struct own_msr *find_own_msr(u32 msr)
{
	for (uint i = 0; i < ARRAY_SIZE(own_msrs); i++)
		if (msr >= own_msrs[i].first && msr <= own_msrs[i].last)
			return &own_msrs[i];
	return NULL;
}

int vmx_read_msr(struct vcpu *vcpu, u32 msr, u64 *value)
{
	const struct own_msr *own = find_own_msr(msr);

	return own && own->read ? own->read(vcpu, msr, value) : -ENOENT;
}

int vmx_write_msr(struct vcpu *vcpu, u32 msr, u64 value)
{
	const struct own_msr *own = find_own_msr(msr);

	return own && own->write ? own->write(vcpu, msr, value) : -ENOENT;
}

void vmx_intercept_own_msrs(struct vcpu *vcpu)
{
	for (uint i = 0; i < ARRAY_SIZE(own_msrs); i++) {
		const struct own_msr *own = &own_msrs[i];

		for (u32 msr = own->first; msr <= own->last; msr++)
			vmx_intercept_msr(vcpu, msr, own->read, own->write);
	}
}

/*
 * The bitmap (SDM 3C 25.6.9) is four kilobytes: reads of MSRs 0 to 0x1fff,
 * reads of 0xc0000000 to 0xc0001fff, then writes of the same. All other MSRs
 * always exit.
 */
void vmx_intercept_msr(struct vcpu *vcpu, u32 msr, bool read, bool write)
{
	struct vmx_vcpu *vmx = vcpu->backend;
	u32 bit = msr & 0x1fff;
	u8 *map = vmx->msr_bitmap;

	if (msr - bit == 0xc0000000)
		map += KIB;
	else if (msr != bit)
		return;
	if (read)
		map[bit / 8] |= 1 << bit % 8;
	if (write)
		map[2 * KIB + bit / 8] |= 1 << bit % 8;
}

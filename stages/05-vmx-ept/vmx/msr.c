/*
 * MSRs that VMX has its own answer for. VMX is hidden: IA32_FEATURE_CONTROL
 * reads as locked with VMX and SMX off, which is how a firmware that keeps VMX
 * from the system leaves it.
 *
 * Which registers do not exist for the guest says vmm/msr_rules.c. Four
 * features among them write to memory on their own account, by addresses that
 * the EPT does not see or while Vellum runs: PEBS and BTS (the debug store),
 * Processor Trace, and the hardware feedback interface. They are hidden in
 * CPUID, too.
 */
#include "lib/cpu.h"
#include "lib/errno.h"
#include "paging/guarded.h"
#include "vmm/msr.h"
#include "vmx/vmx.h"

#define MSR_BIOS_UPDT_TRIG 0x79
#define MSR_MISC_ENABLE    0x1a0
#define MSR_DEBUGCTL       0x1d9

#define MISC_BTS_UNAVAILABLE  BIT(11)
#define MISC_PEBS_UNAVAILABLE BIT(12)
#define MISC_XD_DISABLE       BIT(34)

/* TR, BTS, BTINT, BTS_OFF_OS, BTS_OFF_USR: the branch trace store. */
#define DEBUGCTL_BTS_BITS (BIT(6) | BIT(7) | BIT(8) | BIT(9) | BIT(10))

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

/*
 * An exit saves the register and clears it, an entry loads it (SDM 3C 28.3.1,
 * 28.5.1); and refuses a bit that this CPU does not have. So the CPU is asked.
 */
static int write_debugctl(struct vcpu *vcpu, u32 msr, u64 value)
{
	int error;

	if (value & DEBUGCTL_BTS_BITS)
		return -EPERM;
	error = guarded_wrmsr(msr, value);
	if (error)
		return error;
	wrmsr(msr, 0);
	vmcs_write(VMCS_GUEST_DEBUGCTL, value);
	return 0;
}

/* NULL: not intercepted. */
static const struct own_msr {
	u32 msr;
	msr_read_fn *read;
	msr_write_fn *write;
} own_msrs[] = {
	{MSR_FEATURE_CONTROL, read_feature_control, refuse_msr_write},
	{MSR_BIOS_UPDT_TRIG, NULL, msr_drop_microcode},
	{MSR_MISC_ENABLE, read_misc_enable, write_misc_enable},
	{MSR_DEBUGCTL, NULL, write_debugctl},
};

static const struct own_msr *find_own_msr(u32 msr)
{
	for (uint i = 0; i < ARRAY_SIZE(own_msrs); i++)
		if (msr == own_msrs[i].msr)
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

		vmx_intercept_msr(vcpu, own->msr, own->read, own->write);
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
	for (uint i = 0; i < 2; i++, map += MSR_BITMAP_WRITES) {
		map[bit / 8] &= ~(1 << bit % 8);
		map[bit / 8] |= (i ? write : read) << bit % 8;
	}
}

/*
 * The guest writes an MTRR, and leaf types in the EPT must follow.
 *
 * A guest changes MTRRs in a dance of many steps (SDM 3A 12.11.8): disable
 * all, write some, enable all. Only what holds in the end matters, so the
 * tables are looked at only while the MTRRs are enabled, and rebuilt only if
 * something is different from what they were built from. With NPT nothing of
 * this is needed: there the hardware applies the MTRRs itself.
 */
#include "vmx/mtrr.h"

#include "console/panic.h"
#include "console/printf.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "paging/guarded.h"

/* What this CPU's map was last built from. */
static PERCPU(struct mtrr_state, built_from);

void mtrr_guest_init(const struct mtrr_state *state)
{
	*this_cpu(built_from) = *state;
}

int mtrr_guest_write(struct vcpu *vcpu, u32 msr, u64 value)
{
	struct mtrr_state now, *built = this_cpu(built_from);
	int error = guarded_wrmsr(msr, value);

	if (error)
		return -EPERM;
	mtrr_read(&now);
	if (!now.enabled || mtrr_equal(&now, built))
		return 0;
	error = nested_root_retype(&vcpu->root, &now);
	if (error)
		panic("no memory to follow the guest's MTRRs (error %d)",
		      error);
	*built = now;
	vcpu_ops->flush_map(vcpu);
	printf("vmm: nested page tables follow the guest's MTRRs\n");
	return 0;
}

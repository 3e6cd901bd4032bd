/*
 * What the guest writes to MTRRs goes to a copy; the registers stay as they
 * are.
 *
 * With them a guest could change the type of Vellum's own memory: let one CPU
 * cache it and another not, or make its stores lose their order. Its own memory
 * gets the types of the copy by the nested tables (SDM 3C 29.3.7.2; APM 2
 * 15.25.8).
 *
 * A guest changes MTRRs in a dance of many steps (SDM 3A 12.11.8): disable all,
 * write some, enable all. Only what holds in the end matters, so the tables are
 * looked at only while the MTRRs are enabled, and rebuilt only if something is
 * different from what they were built from.
 *
 * Reads of a register need no exit while the copy says the same: nearly always.
 */
#include "vmm/guest_mtrr.h"

#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/percpu.h"

#define LOGGED 8 /* a guest could change them without end */

struct mtrr_state machine_mtrrs;
static PERCPU(struct mtrr_state, guest_mtrrs);

/* Has a CPU with @state the same registers as CPU 0? */
static bool same_registers(const struct mtrr_state *state)
{
	return state->variable_count == machine_mtrrs.variable_count &&
	       state->has_fixed == machine_mtrrs.has_fixed &&
	       state->address_mask == machine_mtrrs.address_mask;
}

const struct mtrr_state *guest_mtrr_init(void)
{
	struct mtrr_state *guest = this_cpu(guest_mtrrs);

	mtrr_read(guest);
	if (*this_cpu(cpu_number) == 0) {
		machine_mtrrs = *guest;
	} else if (!mtrr_equal(guest, &machine_mtrrs)) {
		if (same_registers(guest))
			mtrr_write(&machine_mtrrs);
		else
			printf("vmm: CPU %u has other MTRRs than CPU 0\n",
			       *this_cpu(cpu_number));
		*guest = machine_mtrrs;
	}
	return guest;
}

static void follow(struct vcpu *vcpu, const struct mtrr_state *guest)
{
	static u64 changes;
	u64 n = __atomic_add_fetch(&changes, 1, __ATOMIC_RELAXED);
	int error = nested_root_retype(&vcpu->root, guest);

	if (!error)
		vcpu_ops->flush_map(vcpu);
	if (n > LOGGED)
		return;
	if (error)
		printf("vmm: no memory to follow the guest's MTRRs: types stay "
		       "as they are (error %d)\n",
		       error);
	else
		printf("vmm: nested page tables follow the guest's MTRRs%s%s\n",
		       vcpu->root.map->slower
			       ? ", but where the machine's say slower"
			       : "",
		       n == LOGGED ? "; no more of these" : "");
}

static void watch(struct vcpu *vcpu, u32 msr)
{
	u64 copy, real;

	if (!mtrr_get(this_cpu(guest_mtrrs), msr, &copy) &&
	    !mtrr_get(&machine_mtrrs, msr, &real))
		vcpu_ops->intercept_msr(vcpu, msr, copy != real, true);
}

int guest_mtrr_read(struct vcpu *vcpu, u32 msr, u64 *value)
{
	return mtrr_get(this_cpu(guest_mtrrs), msr, value);
}

int guest_mtrr_write(struct vcpu *vcpu, u32 msr, u64 value)
{
	struct mtrr_state *guest = this_cpu(guest_mtrrs);
	int error = mtrr_set(guest, msr, value);

	if (error)
		return error;
	watch(vcpu, msr);
	if (guest->enabled && !mtrr_equal(guest, &vcpu->root.map->mtrr))
		follow(vcpu, guest);
	return 0;
}

#define MTRR_HANDLER(tag, first, count)                                    \
	MSR_HANDLER(mtrr_##tag, first, first + count - 1, guest_mtrr_read, \
		    guest_mtrr_write)

MTRR_HANDLER(variable, MSR_MTRR_PHYSBASE0, 2 * MTRR_MAX_VARIABLE);
MTRR_HANDLER(fixed_64k, MSR_MTRR_FIX64K, 1);
MTRR_HANDLER(fixed_16k, MSR_MTRR_FIX16K, 2);
MTRR_HANDLER(fixed_4k, MSR_MTRR_FIX4K, 8);
MTRR_HANDLER(def_type, MSR_MTRR_DEF_TYPE, 1);

void guest_mtrr_watch(struct vcpu *vcpu)
{
	for (u32 msr = MSR_MTRR_PHYSBASE0; msr <= MSR_MTRR_DEF_TYPE; msr++)
		watch(vcpu, msr);
}

void guest_mtrr_make_real(void)
{
	const struct mtrr_state *guest = this_cpu(guest_mtrrs);

	if (!mtrr_equal(guest, &machine_mtrrs))
		mtrr_write(guest);
}

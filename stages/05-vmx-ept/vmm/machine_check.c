/*
 * A machine check is the hardware's report of an error of its own: a bit that
 * flipped in a memory module, most of all. In the guest it is the guest's, with
 * no exit. This is about one that comes while the CPU runs Vellum (SDM 3B 16.3;
 * APM 2 9). On AMD's it waits, with GIF 0, for the guest anyway (APM 2 15.17).
 *
 * Mostly it has nothing to do with us: all CPUs hear of an error that one of
 * them met, or that nobody met yet. Then the guest gets it at the next entry,
 * and finds the banks as they are. But we end in a panic where that can't be
 * known: if the program can't be gone on with, if the CPU's state may be
 * corrupt, if what is lost is ours, or nobody says where it is.
 *
 * The handler takes no locks and prints nothing; it may have come in the midst
 * of printf(). A second machine check before the guest has dealt with the first
 * shuts the CPU down, as on the bare machine: MCIP stays set for that.
 * Book: chapter 5, "Machine checks".
 */
#include "vmm/machine_check.h"

#include "boot/boot_info.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/percpu.h"
#include "paging/address.h"
#include "paging/trap.h"
#include "vmm/vcpu.h"

#define CPUID_1_EDX_MCE BIT(7)
#define CPUID_1_EDX_MCA BIT(14)

#define MSR_MCG_CAP    0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MC0_STATUS 0x401 /* four registers to a bank */

#define MCG_CAP_COUNT 0xff
#define ADDRESS_BITS  0x000fffffffffffffUL /* above: AMD's, how exact it is */

#define LOGGED 8

/* One waits for the guest. */
static PERCPU(bool, mc_waits);

static bool has_banks(void)
{
	u32 need = CPUID_1_EDX_MCE | CPUID_1_EDX_MCA;

	return (cpuid(1, 0).edx & need) == need;
}

static void read_banks(struct machine_check *mc)
{
	mc->status = rdmsr(MSR_MCG_STATUS);
	mc->count = MIN(rdmsr(MSR_MCG_CAP) & MCG_CAP_COUNT, MC_BANKS);
	for (uint i = 0; i < mc->count; i++) {
		struct mc_bank *b = &mc->bank[i];
		u32 msr = MSR_MC0_STATUS + 4 * i;

		b->status = rdmsr(msr);
		b->address = b->status & MC_ADDRV ? rdmsr(msr + 1) : 0;
		b->misc = b->status & MC_MISCV ? rdmsr(msr + 2) : 0;
	}
}

const char *machine_check_is_fatal(const struct machine_check *mc)
{
	u64 cause = MC_VALID | MC_UC | MC_ENABLED;

	if (!(mc->status & MCG_STATUS_RIPV))
		return "the CPU can't go on";
	for (uint i = 0; i < mc->count; i++) {
		const struct mc_bank *b = &mc->bank[i];

		if ((b->status & cause) != cause)
			continue;
		if (b->status & MC_PCC)
			return "the CPU's state may be corrupt";
		if (!(b->status & MC_ADDRV))
			return "nobody says where";
		if (overlaps_vmm_range(b->address & ADDRESS_BITS & ~PAGE_MASK,
				       PAGE_SIZE))
			return "in Vellum's memory";
		if ((b->status & MC_AR) && (mc->status & MCG_STATUS_EIPV))
			return "in what Vellum was reading";
	}
	return NULL;
}

/* What is wrong has to do with us no more: EIPV would tell the guest that its
 * own instruction is concerned. */
static const char *keep(void)
{
	struct machine_check mc;
	const char *why;

	read_banks(&mc);
	why = machine_check_is_fatal(&mc);
	if (why)
		return why;
	wrmsr(MSR_MCG_STATUS, mc.status & ~MCG_STATUS_EIPV);
	__atomic_store_n(this_cpu(mc_waits), true, __ATOMIC_SEQ_CST);
	return NULL;
}

static bool machine_check_in_host(struct trap_frame *frame)
{
	struct vcpu *vcpu = vcpu_current();

	if (!vcpu || !has_banks() || keep())
		return false; /* a panic: with the banks */
	__atomic_store_n(&vcpu->stop, 1, __ATOMIC_SEQ_CST);
	if (vcpu_ops->stop_entry)
		vcpu_ops->stop_entry(frame);
	return true;
}

void machine_checks_keep(void)
{
	trap_set_handler(VECTOR_MC, machine_check_in_host);
}

void machine_check_at_entry(void)
{
	const char *why = has_banks() ? keep() : "there are no banks";

	if (why)
		panic("a machine check at an entry into the guest: %s", why);
}

/* A guest without CR4.MCE would be shut down by it: rather it waits. */
void machine_check_serve(struct vcpu *vcpu)
{
	static u64 given;

	if (!__atomic_load_n(this_cpu(mc_waits), __ATOMIC_SEQ_CST))
		return;
	if (!(vcpu_ops->get(vcpu, VCPU_CR4) & CR4_MCE) ||
	    !vcpu_ops->inject_machine_check(vcpu))
		return;
	__atomic_store_n(this_cpu(mc_waits), false, __ATOMIC_SEQ_CST);
	if (__atomic_add_fetch(&given, 1, __ATOMIC_RELAXED) <= LOGGED)
		printf("vmm: a machine check came while CPU %u ran Vellum; the "
		       "guest gets it\n",
		       *this_cpu(cpu_number));
}

static void print_banks(void)
{
	struct machine_check mc;
	const char *why;

	if (!has_banks())
		return;
	read_banks(&mc);
	if (mc.status) {
		why = machine_check_is_fatal(&mc);
		printf("machine check: status 0x%lx%s%s\n", mc.status,
		       why ? ", " : "", why ? why : "");
	}
	for (uint i = 0; i < mc.count; i++)
		if (mc.bank[i].status & MC_VALID)
			printf("machine check: bank %u: status 0x%lx, address "
			       "0x%lx, misc 0x%lx\n",
			       i, mc.bank[i].status, mc.bank[i].address,
			       mc.bank[i].misc);
}

PANIC_HOOK(print_banks);

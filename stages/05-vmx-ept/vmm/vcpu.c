/*
 * The virtual CPUs, and the back end that they all have. Book: chapter 5.
 */
#include "vmm/vcpu.h"

#include "lib/cpu.h"
#include "lib/percpu.h"

const struct vcpu_ops *vcpu_ops;

static PERCPU(struct vcpu *, current_vcpu);

static struct vcpu *all_vcpus;

struct vcpu *vcpu_current(void)
{
	return *this_cpu(current_vcpu);
}

struct vcpu *vcpu_first(void)
{
	return __atomic_load_n(&all_vcpus, __ATOMIC_ACQUIRE);
}

/* Others may be added at the same time. */
void vcpu_add(struct vcpu *vcpu)
{
	*this_cpu(current_vcpu) = vcpu;
	vcpu->next = __atomic_load_n(&all_vcpus, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&all_vcpus, &vcpu->next, vcpu,
					    false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		cpu_pause();
}

struct exit_stats vcpu_sum_stats(enum exit_reason reason)
{
	struct exit_stats sum = {0};

	for (struct vcpu *v = vcpu_first(); v; v = v->next) {
		sum.count += v->stats[reason].count;
		sum.cycles += v->stats[reason].cycles;
	}
	return sum;
}

/* struct guest_regs has no RSP. */
static u64 *other_than_rsp(struct vcpu *vcpu, uint number)
{
	return &(&vcpu->regs.rax)[number < GPR_RSP ? number : number - 1];
}

u64 guest_gpr(struct vcpu *vcpu, uint number)
{
	return number == GPR_RSP ? vcpu_ops->get(vcpu, VCPU_RSP)
				 : *other_than_rsp(vcpu, number);
}

void guest_set_gpr(struct vcpu *vcpu, uint number, u64 value)
{
	if (number == GPR_RSP)
		vcpu_ops->set(vcpu, VCPU_RSP, value);
	else
		*other_than_rsp(vcpu, number) = value;
}

/* In which mode is the guest? (SDM 3A 2.2; the L and D bits of CS.) */
#define ATTR_L BIT(13)
#define ATTR_D BIT(14)

uint guest_address_size(struct vcpu *vcpu)
{
	u64 attr = vcpu_ops->get(vcpu, VCPU_CS_ATTR);

	if ((attr & ATTR_L) && (vcpu_ops->get(vcpu, VCPU_EFER) & EFER_LMA))
		return 8;
	return attr & ATTR_D ? 4 : 2;
}

u64 guest_next_rip(struct vcpu *vcpu, uint length)
{
	u64 rip = vcpu_ops->get(vcpu, VCPU_RIP) + length;

	switch (guest_address_size(vcpu)) {
	case 8:
		return rip;
	case 4:
		return (u32)rip;
	default:
		return (u16)rip;
	}
}

/*
 * In which mode is the guest? (SDM 3A 2.2; the L and D bits of CS.)
 */
#include "vmm/cpu_mode.h"

#include "lib/cpu.h"
#include "vmm/vcpu.h"

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

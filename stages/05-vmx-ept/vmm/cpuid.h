/*
 * CPUID as the guest sees it.
 */
#ifndef VMM_CPUID_H
#define VMM_CPUID_H

#include "lib/cpu.h"
#include "lib/types.h"

#define CPUID_1_ECX_VMX        BIT(5)
#define CPUID_1_ECX_XSAVE      BIT(26)
#define CPUID_1_ECX_OSXSAVE    BIT(27)
#define CPUID_1_ECX_HYPERVISOR BIT(31)
#define CPUID_7_ECX_OSPKE      BIT(4)

/*
 * Our own leaves: our name; which form the leaves have, back end and CPU; and
 * two with the text of the version, filled up with zeros.
 */
#define CPUID_HYPERVISOR           0x40000000
#define CPUID_HYPERVISOR_INFO      0x40000001
#define CPUID_HYPERVISOR_VERSION   0x40000002
#define CPUID_HYPERVISOR_MAX       0x40000003
#define CPUID_HYPERVISOR_INTERFACE 1

/*
 * Cut @r, the machine's answer to CPUID @leaf, @subleaf, down to what a guest
 * whose CR4 is @guest_cr4 may see.
 */
void cpuid_filter(u32 leaf, u32 subleaf, u64 guest_cr4, struct cpuid_regs *r);

/*
 * What CPUID @leaf, one from 0x40000000 on, says of us: by these leaves a guest
 * can tell that it runs under Vellum, which one, and on which CPU.
 */
void cpuid_own_leaf(u32 leaf, struct cpuid_regs *r);

#endif

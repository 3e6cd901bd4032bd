/*
 * Which MSRs a guest may write: an allow-list, as for the bits of CPUID. Pure.
 * Book: chapter 5.3, "Model-specific registers".
 */
#ifndef VMM_MSR_RULES_H
#define VMM_MSR_RULES_H

#include "lib/types.h"

enum msr_verdict {
	MSR_KEEP,    /* in no rule: can be read, and not be changed */
	MSR_PASS,    /* the guest's own: nothing exits */
	MSR_BITS,    /* can be read; of a write, some bits count */
	MSR_VIRTUAL, /* a handler answers writes, and reads if it wants */
	MSR_ABSENT,  /* #GP, as on a CPU that has no such register */
};

/* struct msr_rule.on: with which back end. */
#define ON_VMX  BIT(1)
#define ON_SVM  BIT(2)
#define ON_BOTH (ON_VMX | ON_SVM)

struct msr_rule {
	u32 first, last; /* the range of MSRs */
	u8 on;
	u8 verdict; /* enum msr_verdict */
	u64 bits;   /* MSR_BITS: those that count */
};

/* The rule for @msr under back end @id (vcpu_ops.id), or NULL: MSR_KEEP. */
const struct msr_rule *msr_rule_find(u32 msr, u32 id);

/* The @i-th rule, in the order of their numbers; NULL past the last. */
const struct msr_rule *msr_rule_get(uint i);

#endif

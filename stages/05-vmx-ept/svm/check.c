/*
 * A VM entry that the CPU refused: say why, as exactly as we can.
 *
 * VMRUN says only VMEXIT_INVALID; the rules are in APM 2 15.5.1. Each is
 * checked here again, by name. Some are about what only we write. The others
 * are about registers that the guest writes without an exit: a CPU lets no bad
 * value in, but an emulator may. Book: chapter 5.
 */
#include "console/console.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/reset.h"
#include "svm/svm.h"

struct rule {
	const char *text;
	bool ours, broken;
};

/* Name the rules that are broken. Is one of ours among them? */
static bool report_broken_rules(struct vcpu *vcpu)
{
	const struct vmcb_control *c = &svm_vmcb(vcpu)->control;
	const struct vmcb_save *s = &svm_vmcb(vcpu)->save;
	bool long_mode = (s->efer & EFER_LME) && (s->cr0 & CR0_PG);
	const struct rule rules[] = {
		{"EFER.SVME is 0", true, !(s->efer & EFER_SVME)},
		{"CR0.CD is 0 and CR0.NW is 1", false,
		 !(s->cr0 & CR0_CD) && (s->cr0 & CR0_NW)},
		{"CR0 bits 63:32 are not 0", false, s->cr0 >> 32},
		{"CR4 bits 63:32 are not 0", false, s->cr4 >> 32},
		{"DR6 bits 63:32 are not 0", false, s->dr6 >> 32},
		{"DR7 bits 63:32 are not 0", false, s->dr7 >> 32},
		{"EFER has reserved bits", true, s->efer & ~0x3fffffUL},
		{"EFER.LME and CR0.PG, but CR4.PAE is 0", false,
		 long_mode && !(s->cr4 & CR4_PAE)},
		{"EFER.LME and CR0.PG, but CR0.PE is 0", false,
		 long_mode && !(s->cr0 & CR0_PE)},
		{"long mode, and CS has both L and D", false,
		 long_mode && (s->cr4 & CR4_PAE) &&
			 (s->cs.attributes & 0x600) == 0x600},
		{"VMRUN is not intercepted", true,
		 !(c->intercept2 & INTERCEPT2_VMRUN)},
		{"ASID is 0", true, !c->asid},
		{"nested CR3 is not page aligned", true,
		 c->nested_cr3 & PAGE_MASK},
		{"event injection has a reserved type", true,
		 (c->event_injection & EVENT_VALID) &&
			 (c->event_injection >> EVENT_TYPE_SHIFT & 7) == 1},
	};
	bool ours = false;

	for (uint i = 0; i < ARRAY_SIZE(rules); i++) {
		ours |= rules[i].broken && rules[i].ours;
		if (rules[i].broken)
			printf("vmcb: %s (APM 2 15.5.1)\n", rules[i].text);
	}
	return ours;
}

/*
 * The guest owns the console by now. panic() takes it back, but only after
 * what we have to say before. A guest that has made its own registers such that
 * it can't go on gets what a CPU does that can't go on.
 */
void svm_entry_failed(struct vcpu *vcpu)
{
	bool ours;

	console_take_back();
	ours = report_broken_rules(vcpu);
	svm_dump(vcpu);
	if (ours)
		panic("VMRUN refused the guest's state (VMEXIT_INVALID)");
	printf("vmm: VMRUN refused registers that the guest has set: reset\n");
	machine_reset();
}

/*
 * Is what a CPU says of itself enough for us? (APM 2 15.4)
 *
 * The look at the machine is in another file (caps.c), so that tests on the
 * host can ask about CPUs that nobody has at hand.
 */
#include "lib/errno.h"
#include "svm/svm.h"

bool svm_need(const struct svm_caps *caps, uint i, struct need *need)
{
	const struct {
		bool met;
		struct need need;
	} row[] = {
		{caps->svm,
		 {"SVM (CPUID 0x80000001 ECX bit 2)",
		  "this CPU has no SVM, or its firmware hides it: look for "
		  "\"SVM Mode\" (AMD-V) in the firmware set-up",
		  false}},
		{!caps->vm_cr_valid || !(caps->vm_cr & VM_CR_SVMDIS),
		 {"SVM allowed by the firmware (VM_CR)",
		  "SVM is switched off by the firmware (VM_CR.SVMDIS): enable "
		  "\"SVM Mode\" (AMD-V) in its set-up",
		  false}},
		{caps->features & SVM_FEATURE_NPT,
		 {"nested paging",
		  "this CPU has SVM without nested paging (CPUID 0x8000000a "
		  "EDX bit 0)",
		  !caps->svm}},
		{caps->asids >= 2,
		 {"an address space identifier for the guest",
		  "this CPU has no address space identifier for a guest "
		  "(CPUID 0x8000000a EBX)",
		  !caps->svm}},
	};

	if (i >= ARRAY_SIZE(row))
		return false;
	*need = row[i].need;
	if (row[i].met || need->moot)
		need->problem = NULL;
	return true;
}

int svm_check_caps(const struct svm_caps *caps, const char **why)
{
	struct need need;

	*why = NULL;
	if (!caps->svm)
		return -ENODEV;
	for (uint i = 0; !*why && svm_need(caps, i, &need); i++)
		*why = need.problem;
	return *why ? -ENODEV : 0;
}

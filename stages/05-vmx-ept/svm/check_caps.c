/*
 * Is what a CPU says of itself enough for us? (APM 2 15.4)
 *
 * The look at the machine is in another file (caps.c), so that tests on the
 * host can ask about CPUs that nobody has at hand.
 */
#include "lib/errno.h"
#include "svm/svm.h"

int svm_check_caps(const struct svm_caps *caps, const char **why)
{
	*why = NULL;
	if (!caps->svm)
		return -ENODEV;
	if (caps->vm_cr_valid && (caps->vm_cr & VM_CR_SVMDIS))
		*why = "SVM is switched off by the firmware (VM_CR.SVMDIS): "
		       "enable \"SVM Mode\" (AMD-V) in its set-up";
	else if (!(caps->features & SVM_FEATURE_NPT))
		*why = "this CPU has SVM without nested paging (CPUID "
		       "0x8000000a EDX bit 0)";
	else if (caps->asids < 2)
		*why = "this CPU has no address space identifier for a guest "
		       "(CPUID 0x8000000a EBX)";
	return *why ? -ENODEV : 0;
}

/*
 * The preflight check of a CPU that may have SVM: all that svm_need() names,
 * and what else is good to know.
 */
#include "lib/cpu.h"
#include "svm/svm.h"

static void tell_svm(const struct svm_caps *caps)
{
	preflight_tell("AMD SVM, revision %u; %u address space identifiers; "
		       "%u bits of physical address",
		       cpuid(0x8000000a, 0).eax & 0xff, caps->asids,
		       cpuid(0x80000008, 0).eax & 0xff);
	if (caps->vm_cr_valid)
		preflight_tell("VM_CR is 0x%lx: SVM is %s%s", caps->vm_cr,
			       caps->vm_cr & VM_CR_SVMDIS ? "off" : "on",
			       caps->vm_cr & VM_CR_LOCK ? ", locked" : "");
	if (caps->features & SVM_FEATURE_NPT)
		preflight_tell("NPT pages: 4 KiB, 2 MiB%s; next RIP saved: %s",
			       svm_has_1g_pages() ? ", 1 GiB" : "",
			       caps->features & SVM_FEATURE_NRIPS ? "yes"
								  : "no");
}

bool svm_preflight(void)
{
	struct svm_caps caps;
	struct need need;

	svm_read_caps(&caps);
	if (!caps.svm && !caps.amd)
		return false;
	if (caps.svm)
		tell_svm(&caps);
	for (uint i = 0; svm_need(&caps, i, &need); i++)
		preflight_need(&need);
	return true;
}

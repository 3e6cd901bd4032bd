/*
 * What this CPU says of its SVM; check_caps.c judges it.
 */
#include "lib/cpu.h"
#include "paging/trap.h"
#include "svm/svm.h"

int svm_probe(const char **why)
{
	struct svm_caps caps = {0};

	if (cpuid(0x80000000, 0).eax >= 0x8000000a) {
		caps.svm = cpuid(0x80000001, 0).ecx & BIT(2);
		caps.features = cpuid(0x8000000a, 0).edx;
		caps.asids = cpuid(0x8000000a, 0).ebx;
	}
	if (caps.svm)
		caps.vm_cr_valid = !guarded_rdmsr(MSR_VM_CR, &caps.vm_cr);
	return svm_check_caps(&caps, why);
}

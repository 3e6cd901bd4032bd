/*
 * What this CPU says of its SVM; check_caps.c judges it.
 */
#include "lib/cpu.h"
#include "lib/string.h"
#include "paging/trap.h"
#include "svm/svm.h"

/* Vendors that make CPUs with SVM, as CPUID leaf 0 spells them. */
static bool vendor_has_svm(void)
{
	static const char vendors[][13] = {"AuthenticAMD", "HygonGenuine"};
	struct cpuid_regs r = cpuid(0, 0);
	u32 name[3] = {r.ebx, r.edx, r.ecx};

	for (uint i = 0; i < ARRAY_SIZE(vendors); i++)
		if (!memcmp(name, vendors[i], sizeof(name)))
			return true;
	return false;
}

void svm_read_caps(struct svm_caps *caps)
{
	memset(caps, 0, sizeof(*caps));
	caps->amd = vendor_has_svm();
	if (cpuid(0x80000000, 0).eax >= 0x8000000a) {
		caps->svm = cpuid(0x80000001, 0).ecx & BIT(2);
		caps->features = cpuid(0x8000000a, 0).edx;
		caps->asids = cpuid(0x8000000a, 0).ebx;
	}
	if (caps->svm)
		caps->vm_cr_valid = !guarded_rdmsr(MSR_VM_CR, &caps->vm_cr);
}

int svm_probe(const char **why)
{
	struct svm_caps caps;

	svm_read_caps(&caps);
	return svm_check_caps(&caps, why);
}

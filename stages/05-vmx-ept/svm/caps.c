/*
 * Can this CPU run a guest under SVM with nested paging, and if not, what is
 * missing? svm_read_caps() asks it, svm_need() and svm_check_caps() judge the
 * answers. Book: chapter 5.
 */
#include "svm/caps.h"

#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "paging/guarded.h"

#define CPUID_ENCRYPTION    0x8000001f
#define ENCRYPTION_SME      BIT(0)              /* EAX: memory encryption */
#define ENCRYPTION_BIT(ebx) ((ebx)&0x3f)        /* of an address: it is on */
#define ENCRYPTION_CUT(ebx) ((ebx) >> 6 & 0x3f) /* and bits that it costs */

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
	if (!caps->svm && !caps->amd)
		return -ENODEV;
	for (uint i = 0; !*why && svm_need(caps, i, &need); i++)
		*why = need.problem;
	return *why ? -ENODEV : 0;
}

int svm_probe(const char **why)
{
	struct svm_caps caps;

	svm_read_caps(&caps);
	return svm_check_caps(&caps, why);
}

/*
 * Where the CPU can encrypt memory, one bit of an address asks for it, and with
 * that bit our own range would be found at another address, too. And once the
 * firmware has switched encryption on, the topmost bits are reserved, though
 * CPUID still counts them (APM 2 7.10.1).
 */
uint svm_address_bits(void)
{
	uint bits = cpuid(0x80000008, 0).eax & 0xff;
	struct cpuid_regs r;
	u64 syscfg;

	if (cpuid(0x80000000, 0).eax < CPUID_ENCRYPTION)
		return bits;
	r = cpuid(CPUID_ENCRYPTION, 0);
	if (!(r.eax & ENCRYPTION_SME))
		return bits;
	if (guarded_rdmsr(MSR_SYSCFG, &syscfg) || (syscfg & SYSCFG_ENCRYPTION))
		bits -= ENCRYPTION_CUT(r.ebx);
	return MIN(bits, ENCRYPTION_BIT(r.ebx));
}

/*
 * What this CPU can do of SVM: CPUID and the MSR with which firmware switches
 * it off, in one struct (APM 2 15.4).
 */
#ifndef SVM_CAPS_H
#define SVM_CAPS_H

#include "lib/cpu.h"
#include "lib/types.h"
#include "vmm/vcpu.h"

#define MSR_VM_CR       0xc0010114
#define MSR_VM_HSAVE_PA 0xc0010117
#define MSR_SVM_KEY     0xc0010118

#define MSR_SYSCFG        0xc0010010
#define SYSCFG_ENCRYPTION BIT(23)

#define VM_CR_R_INIT   BIT(1)
#define VM_CR_DIS_A20M BIT(2)
#define VM_CR_LOCK     BIT(3)
#define VM_CR_SVMDIS   BIT(4)

/* CPUID 0x8000000a EDX */
#define SVM_FEATURE_NPT   BIT(0)
#define SVM_FEATURE_NRIPS BIT(3)

struct svm_caps {
	bool amd;         /* a vendor whose CPUs may have SVM */
	bool svm;         /* CPUID 0x80000001 ECX bit 2 */
	bool vm_cr_valid; /* VM_CR exists */
	u64 vm_cr;
	u32 features; /* CPUID 0x8000000a EDX */
	u32 asids;    /* CPUID 0x8000000a EBX */
};

/* Read them all on this CPU. Changes nothing, and faults on no CPU. */
void svm_read_caps(struct svm_caps *caps);

/* The @i-th thing that Vellum needs of an AMD CPU; false past the last. */
bool svm_need(const struct svm_caps *caps, uint i, struct need *need);

/*
 * Can Vellum use SVM on a CPU with @caps? 0, or -ENODEV with the reason in
 * *@why (NULL when the CPU has no SVM at all).
 */
int svm_check_caps(const struct svm_caps *caps, const char **why);

/* vcpu_ops.probe. */
int svm_probe(const char **why);

/* Bits of an address of memory: what lies above is not mapped for the guest. */
uint svm_address_bits(void);

/* Do nested page tables have 1 GiB pages? They are the CPU's ordinary ones. */
static inline bool svm_has_1g_pages(void)
{
	return cpuid(0x80000001, 0).edx & BIT(26);
}

#endif

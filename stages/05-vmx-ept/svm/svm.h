/*
 * What the files of the SVM back end share.
 */
#ifndef SVM_SVM_H
#define SVM_SVM_H

#include "svm/vmcb.h"
#include "vmm/preflight.h"
#include "vmm/vcpu.h"

#define MSR_VM_CR       0xc0010114
#define MSR_VM_HSAVE_PA 0xc0010117
#define MSR_SVM_KEY     0xc0010118

#define VM_CR_R_INIT   BIT(1)
#define VM_CR_DIS_A20M BIT(2)
#define VM_CR_LOCK     BIT(3)
#define VM_CR_SVMDIS   BIT(4)

/* CPUID 0x8000000a EDX */
#define SVM_FEATURE_NPT   BIT(0)
#define SVM_FEATURE_NRIPS BIT(3)

#define MSRPM_SIZE (2 * PAGE_SIZE)
#define IOPM_SIZE  (3 * PAGE_SIZE)

/* Exceptions that always exit: see svm_run(). */
#define SVM_EXITING_EXCEPTIONS (BIT(VECTOR_DB) | BIT(VECTOR_AC))

/* What becomes of the guest's NMIs: see nmi.c. */
struct svm_nmi {
	bool waits;     /* one has come, and the guest has not got it */
	bool blocked;   /* the guest is in its handler, up to an IRET */
	bool steps;     /* that IRET runs, with TF set by us */
	bool trap_flag; /* TF as it was, and DR6 */
	u64 dr6;
};

/* One virtual CPU of the SVM kind: vcpu->backend. */
struct svm_vcpu {
	struct vmcb *vmcb;
	phys_t vmcb_phys;
	phys_t host_vmcb_phys; /* for VMLOAD of our own FS, GS and TR */
	u8 *msrpm;
	phys_t msrpm_phys;
	bool nrips; /* the hardware tells the next RIP */
	struct svm_nmi nmi;
};

static inline struct svm_vcpu *svm_vcpu(struct vcpu *vcpu)
{
	return vcpu->backend;
}

static inline struct vmcb *svm_vmcb(struct vcpu *vcpu)
{
	return svm_vcpu(vcpu)->vmcb;
}

/* What probe looks at; filled from the machine, or by a test. */
struct svm_caps {
	bool amd;         /* a vendor whose CPUs may have SVM */
	bool svm;         /* CPUID 0x80000001 ECX bit 2 */
	bool vm_cr_valid; /* VM_CR exists */
	u64 vm_cr;
	u32 features; /* CPUID 0x8000000a EDX */
	u32 asids;    /* CPUID 0x8000000a EBX */
};

/*
 * Can Vellum use SVM on a CPU with @caps? 0, or -ENODEV with the reason in
 * *@why (NULL when the CPU has no SVM at all).
 */
int svm_check_caps(const struct svm_caps *caps, const char **why);

/* The @i-th thing that Vellum needs of an AMD CPU; false past the last. */
bool svm_need(const struct svm_caps *caps, uint i, struct need *need);

/* Do nested page tables have 1 GiB pages? They are the CPU's ordinary ones. */
static inline bool svm_has_1g_pages(void)
{
	return cpuid(0x80000001, 0).edx & BIT(26);
}

/* Ask this CPU. Changes nothing. */
void svm_read_caps(struct svm_caps *caps);

int svm_probe(const char **why);
bool svm_preflight(void);
int svm_enable(void);
int svm_create(struct vcpu *vcpu);
void svm_reset(struct vcpu *vcpu, const struct real_mode_entry *entry);
void svm_start(struct vcpu *vcpu, u8 vector);
void svm_run(struct vcpu *vcpu, struct vm_exit *exit);
u64 svm_get(struct vcpu *vcpu, enum vcpu_reg reg);
void svm_set(struct vcpu *vcpu, enum vcpu_reg reg, u64 value);
void svm_skip_instruction(struct vcpu *vcpu);
void svm_skip_bytes(struct vcpu *vcpu, uint length);
void svm_inject_exception(struct vcpu *vcpu, uint vector, u32 error);

/* svm_ops.nmi, .nmi_window, .end_nmi, .nmi_in_host, .listen, in nmi.c. */
exit_handler_fn svm_nmi, svm_nmi_window;
void svm_end_nmi(struct vcpu *vcpu);
bool svm_nmi_in_host(struct trap_frame *frame);
void svm_listen(bool on);

/* Inject an NMI that waits, if it can be. Before each entry. */
void svm_nmi_before_entry(struct vcpu *vcpu);

/* Exception @vector exited. Was it only the end of an IRET that was stepped
 * over, and nothing for the guest? */
bool svm_nmi_step_done(struct vcpu *vcpu, u64 vector);

/* The guest is in no NMI handler. */
void svm_nmi_reset(struct vcpu *vcpu);

int svm_read_msr(struct vcpu *vcpu, u32 msr, u64 *value);
int svm_write_msr(struct vcpu *vcpu, u32 msr, u64 value);
void svm_intercept_msr(struct vcpu *vcpu, u32 msr, bool read, bool write);
void svm_intercept_io(struct vcpu *vcpu, u16 port);
void svm_flush_map(struct vcpu *vcpu);
void svm_dump(struct vcpu *vcpu);

/* Length of the intercepted instruction at the guest's RIP, in bytes. */
uint svm_instruction_length(struct vcpu *vcpu);

/* Is the guest's next instruction a MOV to CR4? (See instruction.c.) */
bool svm_at_mov_to_cr4(struct vcpu *vcpu);

/* Print each rule that the VMCB breaks (APM 2 15.5.1) and VMRUN refused. */
void svm_report_invalid(struct vcpu *vcpu);

#endif

/*
 * The SVM back end, for its own files. The rest of Vellum sees svm_ops.
 */
#ifndef SVM_SVM_H
#define SVM_SVM_H

#include "svm/caps.h"
#include "svm/vmcb.h"
#include "vmm/vcpu.h"

#define MSRPM_SIZE        (2 * PAGE_SIZE)
#define MSRPM_WRITES_EXIT 0xaa /* a byte of it: four times write, not read */
#define IOPM_SIZE         (3 * PAGE_SIZE)

/* Exceptions that always exit: see svm_return_exception(). */
#define SVM_EXITING_EXCEPTIONS (BIT(VECTOR_DB) | BIT(VECTOR_AC))

/* What becomes of the guest's NMIs: see nmi.c. */
struct svm_nmi {
	bool waits;     /* one has come, and the guest has not got it */
	bool blocked;   /* the guest is in its handler, up to an IRET */
	bool steps;     /* that IRET runs, with TF set by us */
	bool trap_flag; /* TF as it was, and DR6 */
	u64 dr6;
	bool leaves_task; /* that IRET, at this RIP, switches tasks */
	u64 iret;
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

/* svm_ops.enable, in enable.c; .create, in setup.c. */
int svm_enable(void);
void svm_disable(void);
int svm_create(struct vcpu *vcpu);

/* svm_ops.reset and .start, in reset.c. */
void svm_reset(struct vcpu *vcpu, const struct real_mode_entry *entry);
void svm_start(struct vcpu *vcpu, u8 vector);

/* svm_ops.get, .set, .skip_instruction, .skip_bytes, in registers.c. */
u64 svm_get(struct vcpu *vcpu, enum vcpu_reg reg);
void svm_set(struct vcpu *vcpu, enum vcpu_reg reg, u64 value);
void svm_skip_instruction(struct vcpu *vcpu);
void svm_skip_bytes(struct vcpu *vcpu, uint length);

/* Into the guest, and back at an exit; and letting a pending INIT or NMI come.
 * In entry.S. */
void svm_enter(struct guest_regs *regs, phys_t vmcb, phys_t host_vmcb);
void svm_take_pending(void);

/* svm_ops.run, in run.c. */
void svm_run(struct vcpu *vcpu, struct vm_exit *exit);

/* svm_ops.inject_machine_check, .inject_exception, in events.c. */
bool svm_inject_machine_check(struct vcpu *vcpu);
void svm_inject_exception(struct vcpu *vcpu, uint vector, u32 error);

/* After an exit: the event that was being delivered when it came, if any, goes
 * in again at the next entry. */
void svm_resume_delivery(struct vcpu *vcpu);

/* Was the exit for an exception? Then the guest gets it at the next entry. */
bool svm_return_exception(struct vcpu *vcpu);

/* Build the nested page tables; and svm_ops.flush_map. In nested.c. */
int svm_build_map(struct vcpu *vcpu);
void svm_flush_map(struct vcpu *vcpu);

/* svm_ops.read_msr, .write_msr, .intercept_msr, in msr.c. */
int svm_read_msr(struct vcpu *vcpu, u32 msr, u64 *value);
int svm_write_msr(struct vcpu *vcpu, u32 msr, u64 value);
void svm_intercept_msr(struct vcpu *vcpu, u32 msr, bool read, bool write);
/* Intercept what the first two answer. */
void svm_intercept_own_msrs(struct vcpu *vcpu);

/* svm_ops.intercept_io, in io.c. */
void svm_intercept_io(struct vcpu *vcpu, u16 port);

/* svm_ops.nmi, .nmi_window, .end_nmi, .nmi_in_host, .listen, in nmi.c. */
exit_handler_fn svm_nmi, svm_nmi_window;
void svm_end_nmi(struct vcpu *vcpu);
void svm_nmi_in_host(void);
void svm_listen(bool on);

/* Inject an NMI that waits, if it can be. Before each entry. */
void svm_nmi_before_entry(struct vcpu *vcpu);

/* Exception @vector exited. Was it only the end of an IRET that was stepped
 * over, and nothing for the guest? */
bool svm_nmi_step_done(struct vcpu *vcpu, u64 vector);

/* The guest is in no NMI handler. */
void svm_nmi_reset(struct vcpu *vcpu);

/* svm_ops.dump, in dump.c. */
void svm_dump(struct vcpu *vcpu);

/* VMRUN refused the VMCB: say which rules it breaks, dump, and panic, if one
 * is about what we have written; else reset the machine. In check.c. */
void svm_entry_failed(struct vcpu *vcpu) __noreturn;

#endif

/*
 * The VMX back end, for its own files. The rest of Vellum sees vmx_ops.
 */
#ifndef VMX_VMX_H
#define VMX_VMX_H

#include "vmm/vcpu.h"
#include "vmx/caps.h"
#include "vmx/vmcs.h"

/*
 * #DB and #AC exit so that we can put them in ourselves. A guest can make the
 * delivery of either raise the same exception again, for ever; in hardware no
 * NMI, and so nothing of ours, would ever get in between.
 */
#define VMX_EXITING_EXCEPTIONS (BIT(VECTOR_DB) | BIT(VECTOR_AC))

#define MSR_BITMAP_WRITES (2 * KIB) /* the second half is about WRMSR */

/* An MSR that exits and entries switch (SDM 3C 25.7.2). */
struct vmx_msr_entry {
	u32 index, reserved;
	u64 value;
};

struct vmx_switched {
	struct vmx_msr_entry guest; /* stored at exits, loaded at entries */
	struct vmx_msr_entry host;  /* loaded at exits */
};

struct vmx_vcpu {
	phys_t vmcs;    /* the VMCS; always this CPU's current one */
	u8 *msr_bitmap; /* SDM 3C 25.6.9 */
	struct vmx_switched *switched; /* PERF_GLOBAL_CTRL */
	bool launched;                 /* VMRESUME from now on */
	u64 cr0_fixed;     /* bits of CR0 that must be 1 whatever guests want */
	u32 proc_controls; /* without NMI-window exiting, see events.c */
};

/* What this CPU can do; filled by vmx_enable(). */
const struct vmx_caps *vmx_caps(void);

/* vmx_ops.enable, in enable.c; .create, in setup.c. */
int vmx_enable(void);
void vmx_disable(void);
int vmx_create(struct vcpu *vcpu);

/* vmx_ops.reset, .start and .wait_for_sipi, in reset.c. */
void vmx_reset(struct vcpu *vcpu, const struct real_mode_entry *entry);
void vmx_start(struct vcpu *vcpu, u8 vector);
int vmx_wait_for_sipi(struct vcpu *vcpu, bool probe);

/* vmx_ops.get, .set, .skip_instruction, .skip_bytes, in registers.c. */
u64 vmx_get(struct vcpu *vcpu, enum vcpu_reg reg);
void vmx_set(struct vcpu *vcpu, enum vcpu_reg reg, u64 value);
void vmx_skip_instruction(struct vcpu *vcpu);
void vmx_skip_bytes(struct vcpu *vcpu, uint length);

/*
 * Control registers: the bits that are ours; and what setting one means, all
 * of it (IA-32e mode, CD and NW, TLB).
 */
u64 vmx_cr0_mask(const struct vmx_caps *caps);
u64 vmx_cr4_mask(const struct vmx_caps *caps);
void vmx_load_cr0(struct vcpu *vcpu, u64 value);
void vmx_set_efer(u64 value);

/* Load the four top entries of PAE paging, which the CPU holds. -EPERM: one has
 * a reserved bit set, or they can't be read. */
int vmx_load_pdptes(struct vcpu *vcpu, u64 cr3);

/*
 * Enter the guest with @regs in its registers, by VMRESUME when @launched,
 * else by VMLAUNCH. Returns 0 at the next exit, with @regs filled anew; or, if
 * the instruction failed, the RFLAGS that it left (CF or ZF set); or
 * VMX_ENTER_STOPPED, without having entered, when *@stop was not 0. In entry.S.
 */
u64 vmx_enter(struct guest_regs *regs, u64 launched, const u32 *stop);

#define VMX_ENTER_STOPPED 1 /* no RFLAGS: bit 1 of those is always set */

/* From the look at *@stop to the entry, and where to go from there in vain. */
extern const char vmx_enter_begins[], vmx_enter_ends[], vmx_enter_stop[];

/* Where exits arrive; a label inside vmx_enter(). */
extern char vmx_exit_label[];

/* vmx_ops.run, in run.c. */
void vmx_run(struct vcpu *vcpu, struct vm_exit *exit);

/* Have the CPU exit, or not, as soon as the guest can take an NMI. */
void vmx_set_window(const struct vmx_vcpu *vmx, bool open);

/* vmx_ops.inject_machine_check, .inject_exception, in events.c. */
bool vmx_inject_machine_check(struct vcpu *vcpu);
void vmx_inject_exception(struct vcpu *vcpu, uint vector, u32 error);

/* Deliver an NMI at the next entry; the guest must be able to take one. */
void vmx_inject_nmi(void);

/*
 * After an exit: the event that was being delivered when it came, if any, goes
 * in again at the next entry; and an IRET that faulted has its NMI blocking
 * back. @reason is the basic exit reason.
 */
void vmx_resume_delivery(u64 reason);

/* The exit was for one of VMX_EXITING_EXCEPTIONS: give it to the guest. */
void vmx_return_exception(void);

/* Nothing goes in at the next entry. */
void vmx_clear_events(void);

/* From now on, or no longer, the guest takes no NMI: as in its handler. */
void vmx_block_nmi(bool blocked);

/* Build the nested page tables; and vmx_ops.flush_map. In nested.c. */
int vmx_build_map(struct vcpu *vcpu);
void vmx_flush_map(struct vcpu *vcpu);

/* Forget all translations that the guest's VPID tags. */
void vmx_flush_vpid(void);

/* vmx_ops.read_msr, .write_msr, .intercept_msr, in msr.c. */
int vmx_read_msr(struct vcpu *vcpu, u32 msr, u64 *value);
int vmx_write_msr(struct vcpu *vcpu, u32 msr, u64 value);
void vmx_intercept_msr(struct vcpu *vcpu, u32 msr, bool read, bool write);
/* Intercept what the first two answer. */
void vmx_intercept_own_msrs(struct vcpu *vcpu);

/* vmx_ops.intercept_io, in io.c. */
void vmx_intercept_io(struct vcpu *vcpu, u16 port);

/* vmx_ops.cr_write, in cr.c. */
void vmx_cr_write(struct vcpu *vcpu, const struct vm_exit *exit);

/* vmx_ops.task_switch, in task.c. */
exit_handler_fn vmx_task_switch;

/* vmx_ops.filter_cpuid, in cpuid.c: hide instructions that would raise #UD. */
void vmx_filter_cpuid(struct vcpu *vcpu, u32 leaf, u32 subleaf,
		      struct cpuid_regs *regs);

/* vmx_ops.nmi, .nmi_window, .end_nmi, .nmi_in_host, .stop_entry, in nmi.c. */
exit_handler_fn vmx_nmi, vmx_nmi_window;
void vmx_end_nmi(struct vcpu *vcpu);
void vmx_nmi_in_host(void);
void vmx_stop_entry(struct trap_frame *frame);

/* This CPU takes @vmx's NMIs from now on; none waits for its guest. */
void vmx_nmi_init(struct vmx_vcpu *vmx);
void vmx_nmi_reset(void);

/* Set more of the primary controls; after set-up only vmx_set_window() writes
 * that field. */
void vmx_add_proc_controls(struct vmx_vcpu *vmx, u32 controls);

/* vmx_ops.dump, in dump.c. */
void vmx_dump(struct vcpu *vcpu);

/*
 * VM entry failed: say which rule was broken, dump, and panic. @flags is what
 * vmx_enter() returned; 0 when the entry failed while it loaded guest state. In
 * check.c.
 */
void vmx_entry_failed(struct vcpu *vcpu, u64 flags) __noreturn;

#endif

/*
 * The VMX back end, for its own files. The rest of Vellum sees vmx_ops.
 */
#ifndef VMX_VMX_H
#define VMX_VMX_H

#include "vmm/vcpu.h"
#include "vmx/caps.h"
#include "vmx/vmcs.h"

struct vmx_vcpu {
	phys_t vmcs;       /* the VMCS; always this CPU's current one */
	u8 *msr_bitmap;    /* SDM 3C 25.6.9 */
	bool launched;     /* VMRESUME from now on */
	u64 cr0_fixed;     /* bits of CR0 that must be 1 whatever guests want */
	u32 proc_controls; /* without NMI-window exiting, see nmi.c */
};

/* What this CPU can do; filled by vmx_ops.enable. */
const struct vmx_caps *vmx_caps(void);

/* vmx_ops.probe, .preflight and .enable. */
int vmx_probe(const char **why);
bool vmx_preflight(void);
int vmx_enable(void);

/* vmx_ops.create; and vmx_ops.reset, in reset.c. */
int vmx_create(struct vcpu *vcpu);
void vmx_reset(struct vcpu *vcpu, const struct real_mode_entry *entry);

/* vmx_ops.start and .wait_for_sipi, in reset.c. */
void vmx_start(struct vcpu *vcpu, u8 vector);
int vmx_wait_for_sipi(struct vcpu *vcpu, bool probe);

/* Write the host half of the current VMCS: where and how exits arrive. */
void vmx_set_host_state(void);

/* vmx_ops.run. */
void vmx_run(struct vcpu *vcpu, struct vm_exit *exit);

/* Translate the exit that the current VMCS describes. */
void vmx_decode_exit(struct vm_exit *exit);

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

/* vmx_ops.get, .set, .skip_instruction. */
u64 vmx_get(struct vcpu *vcpu, enum vcpu_reg reg);
void vmx_set(struct vcpu *vcpu, enum vcpu_reg reg, u64 value);
void vmx_skip_instruction(struct vcpu *vcpu);
void vmx_skip_bytes(struct vcpu *vcpu, uint length);

/*
 * Control registers. vmx_load_cr0() makes @value the guest's CR0 with all that
 * follows from it (IA-32e mode, CD and NW, PDPTEs, TLB).
 */
u64 vmx_cr0_mask(const struct vmx_caps *caps);
u64 vmx_cr4_mask(const struct vmx_caps *caps);
void vmx_load_cr0(struct vcpu *vcpu, u64 value);
void vmx_set_efer(u64 value);
void vmx_cr_write(struct vcpu *vcpu, const struct vm_exit *exit);

/* Forget all translations that the guest's VPID tags. */
void vmx_flush_vpid(void);

/* vmx_ops.flush_map; and the pointer that the EPT_POINTER field takes. */
void vmx_flush_map(struct vcpu *vcpu);
u64 vmx_ept_pointer(const struct nested_root *root);
const struct nested_format *vmx_ept_format(const struct vmx_caps *caps);

/* vmx_ops.read_msr, .write_msr, .intercept_msr. */
int vmx_read_msr(struct vcpu *vcpu, u32 msr, u64 *value);
int vmx_write_msr(struct vcpu *vcpu, u32 msr, u64 value);
void vmx_intercept_msr(struct vcpu *vcpu, u32 msr, bool read, bool write);
/* Intercept what the two above answer. */
void vmx_intercept_own_msrs(struct vcpu *vcpu);

/* vmx_ops.intercept_io. */
void vmx_intercept_io(struct vcpu *vcpu, u16 port);

/* May the guest use the instructions that secondary control @control enables?
 */
bool vmx_instruction_allowed(u32 control);

/* vmx_ops.filter_cpuid: hide instructions that would raise #UD. */
void vmx_filter_cpuid(u32 leaf, u32 subleaf, struct cpuid_regs *regs);

/* vmx_ops.dump. */
void vmx_dump(struct vcpu *vcpu);

/*
 * VM entry failed: say which rule was broken, dump, and panic. @flags is what
 * vmx_enter() returned; 0 when the entry failed while it loaded guest state.
 */
void vmx_entry_failed(struct vcpu *vcpu, u64 flags) __noreturn;

/* Break the field that the command line's break-vmcs= names; test builds. */
void vmx_break_vmcs(void);

#endif

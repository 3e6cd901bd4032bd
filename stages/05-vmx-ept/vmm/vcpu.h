/*
 * The contract between what both vendors share (vmm/) and what one of them
 * does its own way (vmx/, svm/): a virtual CPU, and the operations on it.
 * Book: chapter 5.
 */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include "lib/cpu.h"
#include "lib/types.h"
#include "vmm/exit.h"
#include "vmm/nested_root.h"

/*
 * The guest's registers that the hardware does not save for us. The entry
 * code of both back ends knows this layout (vmm/regs_offsets.h).
 */
struct guest_regs {
	u64 rax, rcx, rdx, rbx, rbp, rsi, rdi;
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 cr2;
};

/* General registers that instructions name without saying so. */
enum {
	GPR_RAX = 0,
	GPR_RCX = 1,
	GPR_RDX = 2,
	GPR_RBX = 3,
	GPR_RSP = 4,
	GPR_RSI = 6,
	GPR_RDI = 7,
};

/* Everything else goes through vcpu_ops.get and .set, by these names. */
enum vcpu_reg {
	VCPU_RIP,
	VCPU_RSP,
	VCPU_RFLAGS,
	VCPU_CR0, /* as the guest sees it */
	VCPU_CR3,
	VCPU_CR4, /* as the guest sees it */
	VCPU_EFER,
	VCPU_ES_BASE, /* these six as segment registers are numbered */
	VCPU_CS_BASE,
	VCPU_SS_BASE,
	VCPU_DS_BASE,
	VCPU_FS_BASE,
	VCPU_GS_BASE,
	VCPU_CS_ATTR, /* access rights in the VMX layout (SDM 3C 25.4.1) */
	VCPU_SS_ATTR,
};

#define VCPU_REGS (VCPU_SS_ATTR + 1)

/* Where a real-mode guest begins: registers not named here are 0. */
struct real_mode_entry {
	u16 cs, ip; /* segment base = cs << 4, except at the reset vector */
	u16 ss, sp;
	u16 ds, es;
	u8 dl; /* the boot drive, by BIOS custom */
};

struct trap_frame; /* paging/trap.h */

struct exit_stats {
	u64 count;
	u64 cycles; /* TSC, from the exit to the next entry */
};

/* The last exit that left the guest where it was (exit.c). */
struct exit_repeat {
	u64 hw_reason, rip;
	gphys_t gpa;
	u64 at;     /* the vcpu's count of exits then */
	uint times; /* that it has come */
};

struct vcpu {
	struct guest_regs regs;
	void *backend; /* struct vmx_vcpu or struct svm_vcpu */
	struct nested_root root;
	u64 exit_tsc; /* TSC right after the last exit */
	u32 stop;     /* do not enter: there is something to do (vmm/nmi.h) */
	struct exit_stats stats[EXIT_REASON_COUNT];
	u64 exits; /* all of them */
	struct exit_repeat repeat;
	struct vcpu *next; /* see vcpu_first() */
};

/* One thing that Vellum needs of the machine. */
struct need {
	const char *name;    /* what it is, in a few words */
	const char *problem; /* NULL when it is there, or nobody can tell */
	bool moot; /* nobody can tell: what it is part of is missing */
};

struct vcpu_ops {
	const char *name; /* "VMX with EPT", "SVM with NPT" */
	u32 id;           /* 1 VMX, 2 SVM: CPUID leaf 0x40000001 */

	/*
	 * Can this CPU do it? 0, or -ENODEV with *@why saying which CPU
	 * feature is missing or which firmware setting is in the way. Changes
	 * nothing. *@why is NULL when the CPU is another vendor's.
	 */
	int (*probe)(const char **why);

	/* Switch virtualisation on, on this CPU; also where it has been before,
	 * and then without new memory. 0 or a negative errno. */
	int (*enable)(void);

	/* Leave it on this CPU, if it is on, for a reset: an INIT is taken
	 * again. The guest is lost. In any state, also in an NMI. */
	void (*disable)(void);

	/* Allocate and set up all that @vcpu needs on this CPU; ENOMEM. */
	int (*create)(struct vcpu *vcpu);

	/* Put @vcpu into the state of a CPU after INIT (SDM 3A 10.1.1), but
	 * for @entry when that is not NULL: then real mode, from there on. */
	void (*reset)(struct vcpu *vcpu, const struct real_mode_entry *entry);

	/* The same, then as a start-up IPI with @vector has it start: in real
	 * mode at vector:0000 (SDM 3A 9.4.4). */
	void (*start)(struct vcpu *vcpu, u8 vector);

	/* INIT came: at once, have the hardware wait for the start-up IPI,
	 * with the CPU in the guest; .start does the rest. NULL, or -ENODEV,
	 * where it can't do that and report INITs. @probe: only say whether it
	 * can. */
	int (*wait_for_sipi)(struct vcpu *vcpu, bool probe);

	/*
	 * Enter the guest and come back at its next exit, described in *@exit.
	 * Sets vcpu->exit_tsc. An entry that the hardware refuses does not
	 * come back: the broken rule is named, and Vellum panics.
	 */
	void (*run)(struct vcpu *vcpu, struct vm_exit *exit);

	u64 (*get)(struct vcpu *vcpu, enum vcpu_reg reg);
	void (*set)(struct vcpu *vcpu, enum vcpu_reg reg, u64 value);

	/* The guest's instruction that caused the exit is done: step over it,
	 * and out of an interrupt shadow. */
	void (*skip_instruction)(struct vcpu *vcpu);

	/* The same, where the hardware does not know the length. */
	void (*skip_bytes)(struct vcpu *vcpu, uint length);

	/* Raise exception @vector in the guest instead. @error is pushed where
	 * the vector has an error code (#GP, #PF, ...). */
	void (*inject_exception)(struct vcpu *vcpu, uint vector, u32 error);

	/* The guest, whose CR4.MCE is set, gets a machine check at the next
	 * entry. False: it can't be now, but there will be an exit as soon as
	 * it can. */
	bool (*inject_machine_check)(struct vcpu *vcpu);

	/* Handlers of the exits that are the vendor's own affair. */
	exit_handler_fn *nmi;
	exit_handler_fn *nmi_window;

	/* The NMI that caused the exit was none of the guest's: it is over. */
	void (*end_nmi)(struct vcpu *vcpu);

	/* An NMI that is the guest's, if the CPU has a guest, came while it
	 * ran Vellum. */
	void (*nmi_in_host)(void);

	/* A call came likewise. If @frame is on its way into the guest, turn
	 * it back. NULL where NMIs can't come there. */
	void (*stop_entry)(struct trap_frame *frame);

	/* From now on, or no longer, let NMIs in while the CPU runs Vellum;
	 * NULL where they always are. */
	void (*listen)(bool on);

	/* NULL where they can't happen. */
	exit_handler_fn *cr_write;
	exit_handler_fn *task_switch;

	/* An intercepted MSR that the back end answers itself (EFER on SVM,
	 * IA32_VMX_* on VMX). -ENOENT: not one of those. -EPERM: #GP. */
	int (*read_msr)(struct vcpu *vcpu, u32 msr, u64 *value);
	int (*write_msr)(struct vcpu *vcpu, u32 msr, u64 value);

	/* Have RDMSR and/or WRMSR of @msr exit from now on, and if not, not.
	 * At first each WRMSR does. */
	void (*intercept_msr)(struct vcpu *vcpu, u32 msr, bool read,
			      bool write);

	/* Cause exits at every access to I/O port @port, alone or as a part of
	 * a wider one. Called on @vcpu's CPU in phase cpu, with the same ports
	 * on each: they share a map, which CPU 0 makes. */
	void (*intercept_io)(struct vcpu *vcpu, u16 port);

	/* Hide from @regs, the answer to CPUID @leaf, @subleaf, what the back
	 * end can't let the guest use. NULL: nothing more to hide. */
	void (*filter_cpuid)(struct vcpu *vcpu, u32 leaf, u32 subleaf,
			     struct cpuid_regs *regs);

	/* Entries under vcpu->root changed: forget cached ones, here. */
	void (*flush_map)(struct vcpu *vcpu);

	/* Print the guest's state, for a panic. */
	void (*dump)(struct vcpu *vcpu);
};

/* The back end chosen at boot, for all CPUs. NULL: not chosen (yet). */
extern const struct vcpu_ops *vcpu_ops;
extern const struct vcpu_ops vmx_ops, svm_ops;

/* This CPU's virtual CPU; NULL before it is created. */
struct vcpu *vcpu_current(void);

/* The first of all virtual CPUs, which never go away; any CPU may walk them,
 * and read another's stats, which go on changing. */
struct vcpu *vcpu_first(void);

/* Exits for one reason, of all CPUs together. */
struct exit_stats vcpu_sum_stats(enum exit_reason reason);

/* @vcpu, which is complete, is this CPU's from now on. Once on each CPU. */
void vcpu_add(struct vcpu *vcpu);

/* General register @number, as instructions number them; 4 is RSP. */
u64 guest_gpr(struct vcpu *vcpu, uint number);
void guest_set_gpr(struct vcpu *vcpu, uint number, u64 value);

/* 2, 4 or 8: bytes of an address in the code that the guest is running. */
uint guest_address_size(struct vcpu *vcpu);

/* RIP cut to the mode's width, plus @length. */
u64 guest_next_rip(struct vcpu *vcpu, uint length);

#endif

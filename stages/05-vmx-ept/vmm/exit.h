/*
 * VM exits: why the guest stopped, and who deals with it.
 *
 * Intel and AMD number their exit reasons differently; a table of each back end
 * translates its own into the list below. Every reason has exactly one handler:
 *
 *	EXIT_HANDLER(CPUID)	a function body follows
 *
 * defines the function that the table in exit.c names. A second handler for
 * the same reason, or none at all, is a link error. Book: chapter 5.
 */
#ifndef VMM_EXIT_H
#define VMM_EXIT_H

#include "lib/types.h"

struct vcpu;

#define EXIT_REASONS(X)                                                        \
	X(UNKNOWN)          /* anything else: see vm_exit.hw_reason */         \
	X(CPUID)            /* CPUID */                                        \
	X(RDMSR)            /* RDMSR of an intercepted or unknown MSR */       \
	X(WRMSR)            /* WRMSR, likewise */                              \
	X(XSETBV)           /* XSETBV (VMX only; it always exits) */           \
	X(CR_WRITE)         /* MOV to CR0 or CR4 that changes a bit of ours */ \
	X(HYPERCALL)        /* VMCALL on Intel, VMMCALL on AMD */              \
	X(VIRT_INSTRUCTION) /* VMXON, VMRUN and their like */                  \
	X(INVD)             /* INVD */                                         \
	X(IO)               /* IN, OUT, INS, OUTS at an intercepted port */    \
	X(MEMORY)           /* EPT violation, nested page fault */             \
	X(NMI)              /* a non-maskable interrupt arrived */             \
	X(NMI_WINDOW)       /* the guest can take an NMI again */              \
	X(TRIPLE_FAULT)     /* shutdown */                                     \
	X(INIT)             /* an INIT signal arrived */                       \
	X(SIPI)             /* a start-up IPI arrived */                       \
	X(TASK_SWITCH)      /* a hardware task switch (VMX only) */

enum exit_reason {
#define X(name) EXIT_##name,
	EXIT_REASONS(X)
#undef X
	EXIT_REASON_COUNT
};

/* What the hardware tells about one exit. */
struct vm_exit {
	enum exit_reason reason;
	u64 hw_reason; /* as the hardware numbers it */
	u64 info;      /* exit qualification, or EXITINFO1 */
	gphys_t gpa;   /* MEMORY: the address */
	bool write;    /* MEMORY: a write was tried; WRMSR; IO: OUT */
	bool reserved; /* MEMORY: the CPU calls a nested entry malformed */
	bool implicit; /* MEMORY: it was no operand of an instruction, but a
			* walk of page tables, or the delivery of an event */
	u16 port;      /* IO: the first of */
	u8 size;       /* IO: this many ports */
	bool string;   /* IO: INS or OUTS */
	uint vector;   /* VIRT_INSTRUCTION: exception to answer with */
};

typedef void exit_handler_fn(struct vcpu *vcpu, const struct vm_exit *exit);

/* Define the one handler of exit reason @name; the body follows. */
#define EXIT_HANDLER(name)                  \
	exit_handler_fn handle_exit_##name; \
	void handle_exit_##name(struct vcpu *vcpu, const struct vm_exit *exit)

/* Call the handler of @exit, and count it and the time that it took. */
void exit_dispatch(struct vcpu *vcpu, const struct vm_exit *exit);

/*
 * What Vellum can't do for the guest, or will not: exception @vector in the
 * guest instead, and a line in the log that ends in @why. When the same exit
 * comes at the same RIP for the thousandth time, the machine is reset.
 */
void exit_refuse(struct vcpu *vcpu, const struct vm_exit *exit, uint vector,
		 const char *why);

const char *exit_reason_name(enum exit_reason reason);

#endif

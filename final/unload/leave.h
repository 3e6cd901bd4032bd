/*
 * A CPU on its way out: what one file of unload/ leaves to the next. Usable
 * from assembly too, as far as leave_code.S needs it.
 *
 * Each CPU has three pages side by side, at the same address in our page tables
 * and, by a slot borrowed of its root table, in the guest's (leave.c):
 *
 *	LEAVE_CODE   leave_code.S, for all the same
 *	LEAVE_DATA   struct leave_page, the CPU's own
 *	LEAVE_ROOT   the guest's root table
 */
#ifndef UNLOAD_LEAVE_H
#define UNLOAD_LEAVE_H

#include "vmm/regs_offsets.h"

/*
 * From the frame that IRETQ takes, which is where RSP points, to the borrowed
 * slot. The frame is put where that makes it the same for every slot.
 */
#define LEAVE_FRAME_TO_SLOT 0x1800

/* In struct leave_page. */
#define LEAVE_REGS      0xa00
#define LEAVE_FRAME     0xa80
#define LEAVE_CR0       0xa88
#define LEAVE_CR3       0xa90
#define LEAVE_CR4       0xa98
#define LEAVE_FIRST_CR3 0xaa0
#define LEAVE_FIRST_CR4 0xaa8
#define LEAVE_EFER      0xab0
#define LEAVE_FS_BASE   0xab8
#define LEAVE_GS_BASE   0xac0
#define LEAVE_DR7       0xac8
#define LEAVE_GDTR      0xad6
#define LEAVE_IDTR      0xae6
#define LEAVE_SEGMENTS  0xaf0

/* In struct leave_segment. */
#define LEAVE_SELECTOR     16
#define LEAVE_TABLE        30
#define LEAVE_SEGMENT_SIZE 40

#ifndef __ASSEMBLER__

#include "efi/cpu_state.h"
#include "vmm/vcpu.h"

#define LEAVE_CODE  0
#define LEAVE_DATA  PAGE_SIZE
#define LEAVE_ROOT  (2 * PAGE_SIZE)
#define LEAVE_PAGES 3
#define LEAVE_SPAN  (2 * MIB) /* from one CPU's to the next one's */
#define LEAVE_CPUS  512

/* The operand of LGDT and LIDT, so placed that the base is aligned. */
struct leave_table {
	u16 unused[3];
	u16 limit;
	u64 base;
} __packed;

/* A segment register, and a descriptor table that has nothing but what the
 * register is to be loaded with. */
struct leave_segment {
	u64 descriptor[2];
	u64 selector;
	struct leave_table table;
};

/* In the order in which leave_code.S loads them. */
enum leave_order {
	LEAVE_ES,
	LEAVE_DS,
	LEAVE_FS,
	LEAVE_GS,
	LEAVE_LDTR,
	LEAVE_TR,
	LEAVE_SEGMENT_COUNT,
};

/* What IRETQ takes. */
struct leave_frame {
	u64 rip, cs, rflags, rsp, ss;
};

/* LEAVE_DATA. In the first half the frame is somewhere. */
struct leave_page {
	u8 frames[LEAVE_REGS];
	struct guest_regs regs;
	u64 frame; /* its address */
	u64 cr0, cr3, cr4, first_cr3, first_cr4;
	u64 efer, fs_base, gs_base, dr7;
	struct leave_table gdtr, idtr;
	struct leave_segment segment[LEAVE_SEGMENT_COUNT];
};

/* The state that the guest's CPU has: what VMRUN or VM entry would load, and
 * what else it has that is not in the CPU now. */
struct leave_state {
	struct cpu_state cpu;
	u64 cr2, dr7;
};

/* In leave_code.S, position-independent. */
extern const char leave_code[], leave_code_end[];

/* Go on at @code, which is leave_code.S, with @page in RDI. In leave_code.S. */
void leave_jump(u64 code, u64 page) __noreturn;

/*
 * In segment.c, pure. A segment register that is to become @s, with its
 * descriptor at the linear address @at.
 */
struct leave_segment leave_segment_of(const struct segment_state *s, u64 at);

/* Why can a CPU with this state not be left by IRETQ? NULL: it can. @code and
 * @stack are the descriptors that its CS and SS name. */
const char *leave_obstacle(const struct cpu_state *s);
const char *leave_obstacle_frame(const struct cpu_state *s, u64 code,
				 u64 stack);

/* Slots of a root table, one bit each, the upper half of them: those that are
 * empty. */
#define SLOTS_FIRST 256
struct leave_slots {
	u64 empty[4];
};

/* Which one of @slots to borrow; -ENOSPC. Pure. */
int leave_choose_slot(const struct leave_slots *slots);

/*
 * The back ends' part, in leave_vmx.c and leave_svm.c. The first: what is there
 * in @vcpu, besides registers, that has to come to an end before it can be
 * left, or NULL. The second: fill @state. The third: what else is the guest's
 * becomes the CPU's, MSRs above all; none of it changes what Vellum needs.
 */
const char *vmx_leave_obstacle(struct vcpu *vcpu);
bool vmx_leave_nmi_waits(void); /* an NMI of the guest's, kept by the VMCS */
void vmx_leave_state(struct vcpu *vcpu, struct leave_state *state);
void vmx_leave_msrs(struct vcpu *vcpu);
const char *svm_leave_obstacle(struct vcpu *vcpu);
void svm_leave_state(struct vcpu *vcpu, struct leave_state *state);
void svm_leave_msrs(struct vcpu *vcpu);
void svm_leave_a20(void); /* address line 20 is the guest's to mask again */

/* One CPU that leaves. */
struct leave_cpu {
	struct leave_state state;
	struct leave_slots slots;
	struct leave_page *page;
	phys_t page_phys;
	u64 *table; /* for its three pages */
	phys_t table_phys;
	phys_t root; /* the guest's root table */
	u64 at;      /* the linear address of the three */
	u64 slot;    /* the entry of the root table that is borrowed */
	u32 out;     /* it has put it in */
	struct leave_cpu *before; /* leaves just before it; NULL: nobody */
};

/* In leave.c. Memory for all, and for one, before anything is decided: -ENOMEM;
 * and back. */
int leave_prepare(void);
int leave_prepare_cpu(struct leave_cpu *cpu, uint number);
void leave_forget(void);
void leave_forget_cpu(struct leave_cpu *cpu);

/* Can this CPU be left as @vcpu is? NULL, with @cpu->state and slots filled; or
 * why not. */
const char *leave_look(struct leave_cpu *cpu, struct vcpu *vcpu);

/* Let the pages of CPU @number be at @slot, in our page tables. -ENOMEM. */
int leave_map(struct leave_cpu *cpu, uint number, int slot);

/* Leave, after @cpu->before has. @last_act is done in the moment before. In an
 * NMI handler, so that NMIs are held back until the guest has its own. */
void leave_now(struct leave_cpu *cpu, void (*last_act)(void)) __noreturn;

#endif
#endif

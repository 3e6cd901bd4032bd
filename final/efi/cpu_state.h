/*
 * All that a CPU needs to know to go on as a guest where it was before us: the
 * start of the guest on a UEFI machine. Book: chapter 7.
 */
#ifndef EFI_CPU_STATE_H
#define EFI_CPU_STATE_H

#include "lib/types.h"

/* Numbered as in instructions; then the two system segments. */
enum segment_name {
	SEGMENT_ES,
	SEGMENT_CS,
	SEGMENT_SS,
	SEGMENT_DS,
	SEGMENT_FS,
	SEGMENT_GS,
	SEGMENT_LDTR,
	SEGMENT_TR,
	SEGMENT_COUNT,
};

struct segment_state {
	u16 selector;
	u32 access; /* access rights in the VMX layout (SDM 3C 25.4.1) */
	u32 limit;  /* in bytes */
	u64 base;
};

/*
 * A CPU in 64-bit mode. Other general registers are of no meaning, and debug
 * registers are as after a reset. All else the guest takes over from the CPU as
 * we found it, for we have not changed it: the FPU, the PAT and other MSRs.
 */
struct cpu_state {
	u64 rip, rsp, rflags, rax;
	u64 cr0, cr3, cr4, efer;
	struct segment_state segment[SEGMENT_COUNT];
	u64 gdtr_base, idtr_base;
	u16 gdtr_limit, idtr_limit;
};

#define SEGMENT_ACCESSED 0x00001
#define SEGMENT_UNUSABLE 0x10000

/*
 * The segment that @selector means, when its descriptor is @low (and @high, for
 * a system segment, which has 16 bytes in 64-bit mode). The null selector makes
 * an unusable segment. SDM 3A 3.4.5.
 */
struct segment_state segment_from_descriptor(u16 selector, u64 low, u64 high);

#endif

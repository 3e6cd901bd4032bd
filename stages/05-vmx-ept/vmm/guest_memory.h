/*
 * Reading the guest's memory as the guest would: through its own page tables.
 */
#ifndef VMM_GUEST_MEMORY_H
#define VMM_GUEST_MEMORY_H

#include "lib/types.h"

struct vcpu;

/*
 * Guest-virtual to guest-physical, in whichever paging mode the guest is.
 * Returns 0, or -EFAULT where the guest itself would get a page fault.
 */
int guest_virt_to_phys(struct vcpu *vcpu, u64 virt, gphys_t *gpa);

/*
 * Copy @size bytes, all in one page, at guest-physical @gpa, which the guest
 * itself reads there: devices may be touched. -EFAULT where there can be no
 * memory, -ENOMEM where Vellum has none to map it. Any CPU, its own @vcpu.
 */
int guest_read_phys(struct vcpu *vcpu, gphys_t gpa, void *buffer, size_t size);

/* The same, to there. -EPERM where Vellum watches what is written. */
int guest_write_phys(struct vcpu *vcpu, gphys_t gpa, const void *buffer,
		     size_t size);

/* Copy @size bytes at guest-virtual @virt; the range may cross pages. */
int guest_read_virt(struct vcpu *vcpu, u64 virt, void *buffer, size_t size);

/* The same, to there; the guest's own right to write is not asked. */
int guest_write_virt(struct vcpu *vcpu, u64 virt, const void *buffer,
		     size_t size);

/*
 * Copy the guest's next instruction: INSTRUCTION_MOST bytes from its RIP, or
 * as many as lie before a page that it can't read. Returns how many.
 */
uint guest_fetch(struct vcpu *vcpu, u8 *code);

#endif

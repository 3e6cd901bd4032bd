/*
 * Descriptors, as the GDT has them, and what the CPU makes of them.
 *
 *	 63      56 55   52 51    48 47          40 39            16 15       0
 *	| base 3   | G D L  | limit | P DPL S type | base 2, 1, 0   | limit    |
 */
#include "efi/cpu_state.h"

#define DESCRIPTOR_SYSTEM(low) (!((low) >> 44 & 1))
#define DESCRIPTOR_PRESENT     BIT(47)
#define DESCRIPTOR_PAGES       BIT(55) /* G: the limit counts pages */

struct segment_state segment_from_descriptor(u16 selector, u64 low, u64 high)
{
	struct segment_state s = {.selector = selector};

	if (!(selector & ~3) || !(low & DESCRIPTOR_PRESENT)) {
		s.access = SEGMENT_UNUSABLE;
		return s;
	}
	s.access = (low >> 40 & 0xff) | (low >> 52 & 0xf) << 12;
	s.limit = (low & 0xffff) | (low >> 32 & 0xf0000);
	if (low & DESCRIPTOR_PAGES)
		s.limit = s.limit << PAGE_SHIFT | PAGE_MASK;
	s.base = (low >> 16 & 0xffffff) | (low >> 56) << 24;
	if (DESCRIPTOR_SYSTEM(low))
		s.base |= high << 32;
	else
		s.access |= SEGMENT_ACCESSED; /* loading it sets the bit */
	return s;
}

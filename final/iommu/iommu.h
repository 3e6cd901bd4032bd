/*
 * Keeping devices out of our range, and out of a few other places.
 */
#ifndef IOMMU_IOMMU_H
#define IOMMU_IOMMU_H

#include "lib/types.h"

struct need;
struct pci_function;

/*
 * What the tables of this machine allow, as a line in @text of @size bytes; and
 * in @need, whether units can be tried: moot, unless the setting iommu= demands
 * that devices are kept out. For preflight: no unit is touched.
 */
void iommu_need(struct need *need, char *text, size_t size);

/* Will iommu_init() find units, and may it use them? From phase device on. */
bool iommu_expected(void);

/* Before iommu_init(): no device reaches the pages that have a byte of
 * [@base, @base + @size). A few times. */
void iommu_close(u64 base, u64 size);

/*
 * Before iommu_init(): @function is ours, and reaches the pages
 * [@base, @base + @size) and nothing else; and no other device reaches its
 * registers. Once.
 */
void iommu_own(const struct pci_function *function, phys_t base, u64 size);

/*
 * Switch the machine's IOMMUs on, for good, and hide them from the guest. Says
 * what was found, or why there is none. NULL; or, where the setting iommu=
 * demands one, why no guest may run. Phase device, CPU 0, once.
 */
const char *iommu_init(void);

/* Take the table out of ACPI's list; the last that CPU 0 does to it. Where it
 * can't, what follows is as in iommu_init(). Phase cpu, when there is a window.
 */
void iommu_hide(void);

/*
 * The units have lost their registers in a sleep: set all of them again, with
 * the tables that there are. NULL, or why not; then devices of that unit reach
 * what they like, or nothing. CPU 0, with all others held.
 */
const char *iommu_start_again(void);

/* Switch the units off, and let the table be found again: nobody needs to be
 * kept out any more. One CPU, with all others held; nothing if they are off. */
void iommu_end(void);

/* Are devices kept out? Any CPU. */
bool iommu_is_on(void);

/* Tell of faults that there were; often, as it costs little. Any CPU. */
void iommu_poll(void);

#endif

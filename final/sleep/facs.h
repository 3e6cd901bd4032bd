/*
 * The waking vectors, which the guest and the firmware share.
 */
#ifndef SLEEP_FACS_H
#define SLEEP_FACS_H

#include "vmm/sleep.h"

#define FACS_SIZE 64

/* What the guest has left: in each FACS, and where it wants to go on. */
struct facs_vectors {
	u32 each[SLEEP_FACS];
	u32 vector;
};

/*
 * Read what is in each FACS of @sleep now. NULL; or why nobody could be woken
 * there in real mode. Any CPU.
 */
const char *facs_read(const struct acpi_sleep *sleep, struct facs_vectors *v);

/* Write @vector into each FACS of @sleep, and see that it is there. -EINVAL: it
 * is not, or there is another vector beside it. */
int facs_point_to(const struct acpi_sleep *sleep, u32 vector);

/*
 * Note all that leads the firmware to the FACS of @sleep, as sleep_read() finds
 * it now: root pointer, lists, FADTs. False: that is too much. Later: is it
 * still the same, byte for byte? With UEFI nothing is noted, and nothing can
 * differ.
 */
bool facs_note_way(const struct acpi_sleep *sleep);
bool facs_way_is_same(void);

/*
 * Have all devices kept away from each FACS of @sleep and from what has been
 * noted; but not below 640 KiB, where firmware has devices write, too. Before
 * iommu_init().
 */
void facs_close(const struct acpi_sleep *sleep);

/* Put back what facs_read() has found. */
void facs_put_back(const struct acpi_sleep *sleep,
		   const struct facs_vectors *v);

#endif

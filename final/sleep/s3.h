/*
 * Sleep in RAM (S3), from which the machine comes back under Vellum.
 */
#ifndef SLEEP_S3_H
#define SLEEP_S3_H

#include "lib/types.h"

/* Have all devices kept away from the waking vectors and the tables that lead
 * there. CPU 0, before iommu_init(). */
void s3_close_vectors(void);

/*
 * From now on the guest may sleep in S3, or the log says why it can't. After a
 * sleep, CPUs that were never here before run @each. CPU 0, when the states
 * have their names, before it has the ports watched.
 */
void s3_init(void (*each)(void));

/* Does @value, for the high byte of control register @block, begin a sleep that
 * sleep_filter() has let pass and that must be held? */
bool s3_begins(uint block, u8 value);

/*
 * Hold the guest's write, which begins S3: have all CPUs leave the guest, see
 * to it that the firmware comes back to us, and let @write(@arg) do it. Comes
 * back only if the machine has not slept; then the guest has been told. If not
 * all was ready, nothing was written. Any CPU, in the exit for that write.
 */
void s3_sleep(void (*write)(void *arg), void *arg);

#endif

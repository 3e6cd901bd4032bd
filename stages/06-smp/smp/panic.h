/*
 * A panic stops all CPUs.
 */
#ifndef SMP_PANIC_H
#define SMP_PANIC_H

/* If another CPU has panicked, stop here. Also in an NMI. */
void smp_stop_if_panic(void);

/* From now on a panic stops all CPUs. */
void smp_listen_to_panics(void);

#endif

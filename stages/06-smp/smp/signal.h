/*
 * INIT and start-up IPIs between CPUs as the guest sees them, and calls.
 */
#ifndef SMP_SIGNAL_H
#define SMP_SIGNAL_H

#include "smp/cpus.h"

struct vcpu;

/* The guest sends @cpu an INIT, or a start-up IPI. Any CPU. */
void smp_send_init(struct smp_cpu *cpu);
void smp_send_sipi(struct smp_cpu *cpu, u8 vector);

/* Have @cpu, which must be ready, leave the guest or wake up. Any CPU. */
void smp_call(struct smp_cpu *cpu);

/* Sleep until the guest sends this CPU a start-up IPI; then @vcpu is ready to
 * run. Where the hardware does the waiting, it comes back at once. */
void smp_wait_for_sipi(struct vcpu *vcpu);

/* CPU 0 takes part: from now on it can be called. */
void smp_first_is_ready(void);

/*
 * Must Vellum watch for INITs and start-up IPIs where the guest sends them? Yes
 * where the hardware does not tell of their arrival. No with one CPU.
 */
bool smp_traps_icr(void);

/* If another CPU has panicked, stop here. Also in an NMI. (stop.c) */
void smp_stop_if_panic(void);

/* From now on a panic stops all CPUs. (stop.c) */
void smp_listen_to_panics(void);

#endif

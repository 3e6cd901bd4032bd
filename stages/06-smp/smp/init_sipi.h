/*
 * INIT and start-up IPIs between CPUs, as the guest sees them.
 */
#ifndef SMP_INIT_SIPI_H
#define SMP_INIT_SIPI_H

#include "smp/cpus.h"

struct vcpu;

/* The guest sends @cpu an INIT, or a start-up IPI. Any CPU. */
void smp_send_init(struct smp_cpu *cpu);
void smp_send_sipi(struct smp_cpu *cpu, u8 vector);

/* Sleep until the guest sends this CPU a start-up IPI; then @vcpu is ready to
 * run. Where the hardware does the waiting, it comes back at once. */
void smp_wait_for_sipi(struct vcpu *vcpu);

/* CPU 0 takes part: from now on it can be called. */
void smp_first_is_ready(void);

/*
 * Must Vellum watch for INITs and start-up IPIs where the guest sends them? Yes
 * where the hardware does not tell of their arrival, and where they could reach
 * somebody who is not ours (smp_gap). No if there is one CPU and never more.
 */
bool smp_traps_icr(void);

/*
 * Can we leave INITs and start-up IPIs to hardware that reports them?
 * @can_wait: the CPU has VMX's wait-for-SIPI state. @word: what the command
 * line says to icr=, or "". @oem: the maker's name in the ACPI tables.
 */
bool init_sipi_is_reported(bool can_wait, bool uefi, const char *word,
			   const char *oem);

#endif

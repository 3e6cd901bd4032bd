/*
 * From the first CPU to the others.
 */
#ifndef SMP_START_H
#define SMP_START_H

#include "smp/cpus.h"

/*
 * Give @cpu what it needs before it can start: one block of pages,
 *
 *	| guard | stack, growing down | per-CPU variables |
 *
 * the last at the same place in a page as CPU 0's are. -ENOMEM.
 */
int smp_cpu_prepare(struct smp_cpu *cpu);

/* Note what later CPUs are compared with. CPU 0. */
void smp_note_features(void);

/* Say what this CPU has otherwise than CPU 0. */
void smp_compare_features(void);

/*
 * CPU 0 takes part, and says what the others must be like. Once, first. Each
 * further CPU, when it has arrived, calls @each.
 */
void smp_prepare(void (*each)(void));

/* The start of the other CPUs of a BIOS machine: as above, and all of them. */
void smp_start(void (*each)(void));

/* Have the guest's accesses to the local APIC's page watched. CPU 0, once. */
void smp_watch_apic(void);

/* In a build with TEST=1: for each CPU, and when all have been started. */
void smp_break_start_up(void);
void smp_break(void);

/* In such a build: print for ever if the command line wants it. */
void smp_panic_storm(void);

/*
 * The census of a BIOS machine: an INIT and start-up IPIs to all others. Those
 * that answer are parked. A smp_census_fn (cpus.h). CPU 0, once, before any CPU
 * has virtualisation switched on.
 */
int smp_census(u32 *ids, uint max, uint expected);

/*
 * The guest wants to start the CPU with @apic_id, whom no list knew of: start
 * it, and put it under Vellum. NULL: nobody comes, which the log says. Any CPU.
 */
struct smp_cpu *smp_bring(u32 apic_id);

/* Say that the guest's INIT or start-up IPI for @whom, @number, reaches nobody;
 * the first few times. */
void smp_log_drop(const char *whom, u32 number, const char *why);

/*
 * Start all CPUs that have not been started. With a guest: that wants to send
 * them an INIT, so they are not in use. False: one does not come, and a guest
 * could start it outside of Vellum. Any CPU.
 */
bool smp_start_cpus(void);

/* Where a CPU begins, on its own stack, without per-CPU variables. */
void ap_entry(struct smp_cpu *cpu) __noreturn;

#endif

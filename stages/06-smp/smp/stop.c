/*
 * A panic stops the other CPUs: what they did to memory, to the screen or to
 * the guest's disk from then on would only spoil the evidence.
 *
 * The call is an NMI, so a CPU obeys in the guest, and on Intel in Vellum, too,
 * with a lock held. One of AMD's takes it only on its way into the guest, which
 * it never is if it waits for a lock; then it is named, and not waited for any
 * longer than this.
 */
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "smp/signal.h"
#include "vmm/vcpu.h"

#define PATIENCE 100000000UL /* TSC cycles, for all together */

static bool stopping;

void smp_stop_if_panic(void)
{
	if (!__atomic_load_n(&stopping, __ATOMIC_ACQUIRE))
		return;
	__atomic_store_n(&smp_self()->stopped, 1, __ATOMIC_RELEASE);
	cpu_halt_forever();
}

/* Waiting for a start-up IPI inside the guest, where no NMI is taken. */
static bool sleeps_in_guest(const struct smp_cpu *cpu)
{
	return cpu->waiting && !smp_traps_icr();
}

static bool has_stopped(struct smp_cpu *cpu)
{
	return cpu == smp_self() || !smp_is_ready(cpu) ||
	       sleeps_in_guest(cpu) ||
	       __atomic_load_n(&cpu->stopped, __ATOMIC_ACQUIRE);
}

static void stop_others(void)
{
	u64 start = rdtsc();
	uint stopped = 0;

	if (smp_count == 1 || !smp_is_ready(&smp_cpus[0]))
		return;
	__atomic_store_n(&stopping, true, __ATOMIC_SEQ_CST);
	for (uint i = 0; i < smp_count; i++)
		if (!has_stopped(&smp_cpus[i]))
			smp_call(&smp_cpus[i]);
	for (uint i = 0; i < smp_count; i++) {
		while (!has_stopped(&smp_cpus[i]) && rdtsc() - start < PATIENCE)
			cpu_pause();
		if (!has_stopped(&smp_cpus[i]))
			printf("smp: CPU %u has not stopped\n", i);
		stopped +=
			smp_is_ready(&smp_cpus[i]) && has_stopped(&smp_cpus[i]);
	}
	printf("smp: %u of %u CPUs have stopped\n", stopped, smp_count);
}

PANIC_HOOK(stop_others);

/*
 * The life of a further CPU: the phases that every CPU runs, then its wait for
 * the guest to want it, then the guest.
 */
#include "console/printf.h"
#include "lib/cpu.h"
#include "paging/paging.h"
#include "paging/trap.h"
#include "smp/lapic.h"
#include "smp/signal.h"
#include "smp/start.h"
#include "vmm/launch.h"
#include "vmm/signals.h"
#include "vmm/vcpu.h"

void (*smp_every_cpu)(void);

static void move_to(struct smp_cpu *cpu, enum smp_state state)
{
	__atomic_store_n(&cpu->state, state, __ATOMIC_SEQ_CST);
}

/* A CPU that can't take part must not take part without us either: it stays
 * here. No INIT reaches it where Vellum watches for those (icr.c). */
static bool is_fit(void)
{
	const char *why = NULL;

	features_same();
	if (!vcpu_ops->probe(&why))
		return true;
	printf("smp: CPU %u is left out: %s\n", *this_cpu(cpu_number),
	       why ? why : "it can't do what CPU 0 can");
	return false;
}

void ap_main(struct smp_cpu *cpu)
{
	move_to(cpu, CPU_ARRIVED);
	trap_init();
	smp_stop_if_panic(); /* nobody can call us before we are ready */
	paging_prepare_cpu();
	if (!is_fit()) {
		move_to(cpu, CPU_UNFIT);
		cpu_halt_forever();
	}
	smp_every_cpu();
	cpu->called = this_cpu(called);
	cpu->ldr = lapic_read(LAPIC_LDR);
	if (!lapic_is_x2apic())
		cpu->dfr = lapic_read(LAPIC_DFR);
	if (cpu->go_on)
		cpu->go_on(vcpu_current());
	move_to(cpu, CPU_READY);
	smp_stop_if_panic();
#ifdef VELLUM_TEST
	smp_selftest_print();
#endif
	if (!cpu->go_on)
		smp_wait_for_sipi(vcpu_current());
	vmm_serve(vcpu_current());
}

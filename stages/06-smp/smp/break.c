/*
 * Breaking things on purpose, in test builds. Words on the command line choose:
 * `lock-order' takes two locks the wrong way round, which must be noticed; with
 * `panic-storm' all other CPUs print without end, and the first one panics in
 * their midst; with `panic-early' the second one panics in its start-up; with
 * `panic-msr' one does so at a guest's WRMSR.
 */
#ifdef VELLUM_TEST

#include "boot/settings.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/percpu.h"
#include "lib/spinlock.h"
#include "smp/delay.h"
#include "smp/start.h"
#include "vmm/msr.h"

SETTING(panic_storm_setting, .name = "panic-storm",
	.help = "all CPUs print, and the first one panics (TEST=1)");
SETTING(panic_early_setting, .name = "panic-early",
	.help = "the second CPU panics in its start-up (TEST=1)");
SETTING(panic_msr_setting, .name = "panic-msr",
	.help = "panic at WRMSR of 1041 hexadecimal (TEST=1)");
SETTING(lock_order_setting, .name = "lock-order",
	.help = "take two locks in the wrong order (TEST=1)");

void smp_panic_storm(void)
{
	while (setting_flag(&panic_storm_setting))
		printf("storm: CPU %u abcdefghijklmnopqrstuvwxyz\n",
		       *this_cpu(cpu_number));
}

/* Any two locks will do, for the names are what counts. */
static void take_locks_wrongly(void)
{
	static spinlock_t space_lock, maps_lock;

	spin_lock(&space_lock);
	spin_lock(&maps_lock);
}

#define MSR_PANIC 0x1041

static bool panics_by_msr(void)
{
	return setting_flag(&panic_msr_setting);
}

static int write_panic_msr(struct vcpu *vcpu, u32 msr, u64 value)
{
	panic("a guest asked for it");
}

MSR_HANDLER_IF(panics_by_msr, panic, MSR_PANIC, MSR_PANIC, NULL,
	       write_panic_msr);

void smp_break_start_up(void)
{
	if (*this_cpu(cpu_number) == 1 && setting_flag(&panic_early_setting))
		panic("in the midst of a start-up");
}

void smp_break(void)
{
	if (setting_flag(&lock_order_setting))
		take_locks_wrongly();
	if (setting_flag(&panic_storm_setting)) {
		delay(100000);
		panic("in the midst of a storm");
	}
}

#endif

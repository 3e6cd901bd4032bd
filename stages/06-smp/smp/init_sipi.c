/*
 * INIT and start-up IPIs, as a state machine for each CPU (SDM 3A 9.4).
 *
 *	          INIT                      SIPI vv
 *	running ---------> waiting for SIPI ---------> running at vv00:0000
 *	   ^ SIPI: ignored     ^ INIT: stays there
 *
 * At first a CPU is where the BIOS left it, halted, which counts as running;
 * CPU 0, the boot CPU, runs from the reset vector instead of waiting. The
 * sender moves the target on, under the target's lock, as if the signal had
 * arrived at once; then it calls the target, which finds what has become of it.
 * So the order of the guest's IPIs is kept whatever the target is doing, and no
 * sender ever waits for a target.
 *
 * A CPU that waits sleeps in Vellum, in HLT. Where VMX can do the waiting, the
 * CPU waits inside the guest, and the hardware reports the signals themselves.
 * Book: chapter 6, "INIT, SIPI, SIPI".
 */
#include "smp/init_sipi.h"

#include "boot/settings.h"
#include "lib/string.h"
#include "smp/call.h"
#include "smp/lapic.h"
#include "smp/lock_order.h"
#include "smp/panic.h"
#include "smp/renew.h"
#include "vmm/nmi.h"
#include "vmm/vcpu.h"

#define NO_SIPI (-1)

void smp_send_init(struct smp_cpu *cpu)
{
	spin_lock(&cpu->lock);
	cpu->init = true;
	cpu->waiting = cpu != &smp_cpus[0];
	cpu->sipi = NO_SIPI;
	spin_unlock(&cpu->lock);
	smp_call(cpu);
}

void smp_send_sipi(struct smp_cpu *cpu, u8 vector)
{
	bool taken;

	spin_lock(&cpu->lock);
	taken = cpu->waiting;
	if (taken) {
		cpu->waiting = false;
		cpu->sipi = vector;
	}
	spin_unlock(&cpu->lock);
	if (taken)
		smp_call(cpu);
}

/* Has an INIT come since the last look? */
static bool take_init(struct smp_cpu *cpu)
{
	bool init;

	spin_lock(&cpu->lock);
	init = cpu->init;
	cpu->init = false;
	spin_unlock(&cpu->lock);
	return init;
}

/* The vector of a start-up IPI that has come, or NO_SIPI. Any INIT that came
 * before it has been dealt with by then: the CPU waits already. */
static int take_sipi(struct smp_cpu *cpu)
{
	int vector;

	spin_lock(&cpu->lock);
	vector = cpu->sipi;
	cpu->sipi = NO_SIPI;
	cpu->init = false;
	spin_unlock(&cpu->lock);
	return vector;
}

/* What a later stage wants of it. */
static bool serve_call(struct vcpu *vcpu, bool waits)
{
	bool (*on_call)(struct vcpu *, bool) =
		__atomic_load_n(&smp_on_call, __ATOMIC_ACQUIRE);

	return on_call && on_call(vcpu, waits);
}

static int sleep_until_sipi(struct smp_cpu *cpu, struct vcpu *vcpu)
{
	int vector;

	for (;;) {
		if (vcpu_ops->listen)
			vcpu_ops->listen(true);
		__atomic_store_n(&cpu->wake, 0, __ATOMIC_SEQ_CST);
		serve_call(vcpu, true);
		vector = take_sipi(cpu);
		if (vector != NO_SIPI)
			break;
		cpu_idle(&cpu->wake);
	}
	if (vcpu_ops->listen)
		vcpu_ops->listen(false);
	return vector;
}

static void set_waits_in_guest(bool waits)
{
	__atomic_store_n(&smp_self()->waits_in_guest, waits, __ATOMIC_SEQ_CST);
}

static void wait_in_guest(struct vcpu *vcpu)
{
	vcpu_ops->wait_for_sipi(vcpu, false);
	set_waits_in_guest(true);
}

void smp_wait_for_sipi(struct vcpu *vcpu)
{
	if (smp_traps_icr()) {
		vcpu_ops->start(vcpu, sleep_until_sipi(smp_self(), vcpu));
		return;
	}
	smp_self()->hardware_waits = true;
	wait_in_guest(vcpu);
}

static void reset_apic(struct smp_cpu *cpu)
{
	lapic_reset();
	cpu->ldr = 0;
	cpu->dfr = ~0U;
}

/* Where the hardware waits, it must wait before the SIPI comes: the reset can
 * be done after that, and nothing is asked that takes time. */
static void take_init_signal(struct vcpu *vcpu)
{
	struct smp_cpu *cpu = smp_self();

	if (cpu->hardware_waits) {
		wait_in_guest(vcpu);
		return;
	}
	vcpu_ops->reset(vcpu, NULL);
	reset_apic(cpu);
	if (cpu != &smp_cpus[0])
		smp_wait_for_sipi(vcpu);
}

/* No call has reached the CPU while it waited; a SIPI may stand for one. Those
 * have the vector 0, where no guest's code begins: one that came too late for
 * what it was called for waits on, too. */
static void take_sipi_signal(struct vcpu *vcpu, u8 vector)
{
	set_waits_in_guest(false);
	smp_stop_if_panic();
	smp_renew_map(vcpu);
	if (serve_call(vcpu, true) || !vector) {
		wait_in_guest(vcpu);
		return;
	}
	reset_apic(smp_self());
	vcpu_ops->start(vcpu, vector);
}

static void take_call(struct vcpu *vcpu)
{
	smp_stop_if_panic();
	smp_renew_map(vcpu);
	if (take_init(smp_self()))
		take_init_signal(vcpu);
	serve_call(vcpu, false);
}

static bool take_nmi(struct vcpu *vcpu)
{
	if (!smp_call_taken())
		return false;
	vcpu_ops->end_nmi(vcpu);
	smp_stop_in_guest();
	take_call(vcpu);
	return true;
}

static const struct cpu_signals signals = {
	.init = take_init_signal,
	.sipi = take_sipi_signal,
	.nmi = take_nmi,
	.stop = take_call,
};

void smp_first_is_ready(void)
{
	struct smp_cpu *cpu = &smp_cpus[0];

	cpu->ldr = lapic_read(LAPIC_LDR);
	if (!lapic_is_x2apic())
		cpu->dfr = lapic_read(LAPIC_DFR);
	cpu->state = CPU_READY;
	cpu_signals = &signals;
	smp_take_calls(smp_stop_in_nmi);
	lock_order_check();
}

static const char *icr_choice(uint i)
{
	static const char *const names[] = {"trap", "native", NULL};

	return names[i];
}

SETTING(icr_setting, .name = "icr", .type = &choice_type, .choice = icr_choice,
	.help = "are the guest's INITs watched for, or left to the hardware");

/*
 * Bochs up to 2.7 mixes up INIT and VMX: an INIT that has caused an exit is
 * still there at the next entry, and a start-up IPI leaves SMIs blocked, with
 * which no entry succeeds. It names itself in the ACPI tables. (QEMU does by
 * the same name, and under it emulation is merely slower.) icr=trap and
 * icr=native on the command line overrule this.
 *
 * UEFI: a CPU that is not ours yet can't report anything.
 */
bool init_sipi_is_reported(bool can_wait, bool uefi, const char *word,
			   const char *oem)
{
	if (!can_wait || uefi)
		return false;
	if (*word)
		return !strcmp(word, "native");
	return memcmp(oem, "BOCHS", 5) != 0;
}

static bool hardware_reports(void)
{
	int i = setting_choice(&icr_setting);
	bool can_wait =
		vcpu_ops->wait_for_sipi && !vcpu_ops->wait_for_sipi(NULL, true);

	return init_sipi_is_reported(can_wait, boot_info.firmware == BOOT_UEFI,
				     i < 0 ? "" : icr_choice(i), smp_oem);
}

bool smp_traps_icr(void)
{
	return smp_gap || (smp_count > 1 && !hardware_reports());
}

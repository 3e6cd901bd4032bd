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
#include "smp/signal.h"

#include "boot/cmdline.h"
#include "smp/ipi.h"
#include "smp/lapic.h"
#include "smp/lock_order.h"
#include "vmm/signals.h"
#include "vmm/vcpu.h"

#define NO_SIPI (-1)

void smp_call(struct smp_cpu *cpu)
{
	__atomic_store_n(&cpu->wake, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_exchange_n(cpu->called, 1, __ATOMIC_SEQ_CST))
		lapic_send(cpu->apic_id, ICR_MODE_NMI | ICR_ASSERT);
}

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

static int sleep_until_sipi(struct smp_cpu *cpu)
{
	int vector;

	if (vcpu_ops->listen)
		vcpu_ops->listen(true);
	for (;;) {
		__atomic_store_n(&cpu->wake, 0, __ATOMIC_SEQ_CST);
		vector = take_sipi(cpu);
		if (vector != NO_SIPI)
			break;
		cpu_idle(&cpu->wake);
	}
	if (vcpu_ops->listen)
		vcpu_ops->listen(false);
	return vector;
}

void smp_wait_for_sipi(struct vcpu *vcpu)
{
	if (smp_traps_icr()) {
		vcpu_ops->start(vcpu, sleep_until_sipi(smp_self()));
		return;
	}
	smp_self()->waiting = true; /* for those who stop CPUs */
	vcpu_ops->wait_for_sipi(vcpu, false);
}

static void take_init_signal(struct vcpu *vcpu)
{
	struct smp_cpu *cpu = smp_self();

	vcpu_ops->reset(vcpu, NULL);
	lapic_reset();
	cpu->ldr = 0;
	cpu->dfr = ~0U;
	if (cpu != &smp_cpus[0])
		smp_wait_for_sipi(vcpu);
}

static void take_sipi_signal(struct vcpu *vcpu, u8 vector)
{
	smp_self()->waiting = false;
	vcpu_ops->start(vcpu, vector);
}

static void take_call(struct vcpu *vcpu)
{
	smp_stop_if_panic();
	if (take_init(smp_self()))
		take_init_signal(vcpu);
}

static const struct cpu_signals signals = {
	.init = take_init_signal,
	.sipi = take_sipi_signal,
	.call = take_call,
	.call_nmi = smp_stop_if_panic,
};

void smp_first_is_ready(void)
{
	struct smp_cpu *cpu = &smp_cpus[0];

	cpu->called = this_cpu(called);
	cpu->ldr = lapic_read(LAPIC_LDR);
	if (!lapic_is_x2apic())
		cpu->dfr = lapic_read(LAPIC_DFR);
	cpu->state = CPU_READY;
	cpu_signals = &signals;
	smp_listen_to_panics();
	lock_order_check();
}

static const char *icr_choice(uint i)
{
	static const char *const names[] = {"trap", "native", NULL};

	return names[i];
}

WORD(icr_word, .name = "icr", .takes = WORD_CHOICE, .choice = icr_choice,
     .help = "are the guest's INITs watched for, or left to the hardware");

static bool hardware_reports(void)
{
	int i = cmdline_choice(&icr_word);
	bool can_wait =
		vcpu_ops->wait_for_sipi && !vcpu_ops->wait_for_sipi(NULL, true);

	return ipi_hardware_reports(can_wait, boot_info.firmware == BOOT_UEFI,
				    i < 0 ? "" : icr_choice(i), smp_oem);
}

bool smp_traps_icr(void)
{
	return smp_count > 1 && !hardware_reports();
}

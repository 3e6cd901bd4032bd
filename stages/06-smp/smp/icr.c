/*
 * Watching the guest's interrupt command register, where the hardware does not
 * tell of an INIT's arrival: with SVM, and in Bochs.
 *
 * An INIT that reached a CPU would tear it out of Vellum for good. So what the
 * guest writes to the register is looked at first: an INIT or start-up IPI is
 * never sent; init_sipi.c does what it would have done. All else is passed on.
 * In xAPIC mode that costs an exit for each write to any register of the APIC,
 * because a page is the least that can be watched; in x2APIC mode the register
 * is an MSR, and nothing else exits.
 *
 * Who is meant by a logical destination stands in the other CPUs' APICs, which
 * only they can read. So LDR and DFR are noted when they are written.
 * Book: chapter 6, "Whose INIT?".
 */
#include "boot/settings.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "paging/guarded.h"
#include "smp/init_sipi.h"
#include "smp/lapic.h"
#include "smp/start.h"
#include "smp/store.h"
#include "vmm/mmio.h"
#include "vmm/msr.h"
#include "vmm/vcpu.h"

/*
 * Test builds: let INITs through to CPUs that are not ours yet, so that it is
 * the firmware that starts them, and brings them to us.
 */
static bool is_let_through(const struct smp_cpu *cpu)
{
#ifdef VELLUM_TEST
	SETTING(firmware_starts_setting, .name = "firmware-starts",
		.only = BIT(BOOT_UEFI),
		.help = "let the firmware start the further CPUs (TEST=1)");

	return cpu->state == CPU_OFF && setting_flag(&firmware_starts_setting);
#else
	return false;
#endif
}

static void signal_one(struct smp_cpu *cpu, u32 icr)
{
	if (is_let_through(cpu))
		lapic_send(cpu->apic_id, icr & (ICR_MODE | ICR_VECTOR |
						ICR_ASSERT | ICR_LEVEL));
	else
		smp_start_cpus(); /* UEFI's may be off still; true: it traps */
	if (!smp_is_ready(cpu)) {
		smp_log_drop("the CPU with APIC ID", cpu->apic_id,
			     "it was left out");
		return;
	}
	if ((icr & ICR_MODE) == ICR_MODE_SIPI)
		smp_send_sipi(cpu, icr & ICR_VECTOR);
	else
		smp_send_init(cpu);
}

/* Whom we know of none gets the signal; one that is named may have been plugged
 * in since, or be in no table. */
static void signal_unknown(u32 icr, u32 dest, bool x2apic)
{
	static u64 nobody; /* the last such ID, plus 1, where nobody came */
	struct smp_cpu *cpu;

	if (ICR_SHORTHAND(icr) || dest == (x2apic ? 0xffffffff : 0xff))
		return;
	if (icr & ICR_LOGICAL) {
		smp_log_drop("logical destination", dest, "nobody has it");
		return;
	}
	if ((icr & ICR_MODE) == ICR_MODE_SIPI &&
	    __atomic_load_n(&nobody, __ATOMIC_RELAXED) == dest + 1UL)
		return; /* the INIT before it has waited long enough */
	cpu = smp_bring(dest);
	__atomic_store_n(&nobody, cpu ? 0 : dest + 1UL, __ATOMIC_RELAXED);
	if (cpu)
		signal_one(cpu, icr);
}

static void signal_all(u32 icr, u32 dest, bool x2apic)
{
	struct smp_cpu *self = smp_self();
	bool found = false;

	for (uint i = 0; i < smp_count; i++) {
		struct smp_cpu *cpu = &smp_cpus[i];
		struct ipi_target t = {cpu->apic_id, cpu->ldr, cpu->dfr};

		if (!ipi_addresses(icr, dest, x2apic, cpu == self, &t))
			continue;
		found = true;
		signal_one(cpu, icr);
	}
	if (!found)
		signal_unknown(icr, dest, x2apic);
}

/*
 * An NMI goes to those of the CPUs that it names which are ours, one by one. A
 * CPU that is being started would take it by the vector table at address 0, in
 * real mode, outside of the guest: and that table is the guest's.
 */
static void send_nmis(u32 icr, u32 dest, bool x2apic)
{
	struct smp_cpu *self = smp_self();

	for (uint i = 0; i < smp_count; i++) {
		struct smp_cpu *cpu = &smp_cpus[i];
		struct ipi_target t = {cpu->apic_id, cpu->ldr, cpu->dfr};

		if (smp_is_ready(cpu) &&
		    ipi_addresses(icr, dest, x2apic, cpu == self, &t))
			lapic_send(cpu->apic_id, ICR_MODE_NMI | ICR_ASSERT);
	}
}

/*
 * True if the command is an NMI, an INIT or a start-up IPI, and has been dealt
 * with.
 * An INIT with level trigger and without assert once synchronised arbitration
 * IDs; it resets nobody (SDM 3A 11.6.1).
 */
static bool done_as_signal(u32 icr, u32 dest, bool x2apic)
{
	u32 mode = icr & ICR_MODE;

	if (mode == ICR_MODE_NMI) {
		send_nmis(icr, dest, x2apic);
		return true;
	}
	if (mode != ICR_MODE_INIT && mode != ICR_MODE_SIPI)
		return false;
	if (mode == ICR_MODE_SIPI || !(icr & ICR_LEVEL) || (icr & ICR_ASSERT))
		signal_all(icr, dest, x2apic);
	return true;
}

/* No lock is taken on the way: every timer tick of every CPU comes here. */
static volatile void *apic_register(uint offset)
{
	return (volatile char *)lapic_registers() + offset;
}

/* Is the page the local APIC? In x2APIC mode, or with the APIC disabled, what
 * is written there goes nowhere. */
static bool is_xapic(void)
{
	return (rdmsr(MSR_APIC_BASE) &
		(APIC_BASE_ENABLED | APIC_BASE_X2APIC)) == APIC_BASE_ENABLED;
}

static void write_register(uint offset, u32 value)
{
	struct smp_cpu *cpu = smp_self();
	volatile u32 *apic = apic_register(0);

	if (offset == LAPIC_ICR_LOW && is_xapic() &&
	    done_as_signal(value, apic[LAPIC_ICR_HIGH / 4] >> 24, false))
		return;
	apic[offset / 4] = value;
	if (offset == LAPIC_LDR)
		cpu->ldr = apic[offset / 4];
	if (offset == LAPIC_DFR)
		cpu->dfr = apic[offset / 4];
}

/*
 * What is not 32 bits, aligned to 16 bytes, is undefined, and may hang the CPU
 * (SDM 3A 11.4.1), so we do none of it. A store, of 16 bytes at most, that
 * covers the four bytes of a register somewhere writes that register; all its
 * other bytes fall away. Nothing is ever put together from several stores.
 */
static void write_oddly(uint offset, uint size, const u8 *bytes)
{
	static bool told;
	uint start = ALIGN_UP(offset, 16);
	u32 value;

	if (!__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
		printf("smp: the guest wrote %u bytes to the local APIC at "
		       "0x%x: only whole registers are written\n",
		       size, offset);
	if (start + sizeof(value) > offset + size)
		return;
	memcpy(&value, bytes + start - offset, sizeof(value));
	write_register(start, value);
}

/* What the register holds before the store, where that matters. */
static u64 register_before(const struct store *s, uint offset)
{
	volatile u32 *apic = apic_register(0);

	return s->op < STORE_MOV
		       ? apic[(offset & ~15U) / 4] >> 8 * (offset & 15)
		       : 0;
}

static void apic_write(struct vcpu *vcpu, const struct vm_exit *exit)
{
	uint offset = exit->gpa.v & PAGE_MASK;
	struct store s;
	u8 bytes[16];

	if (store_fetch(vcpu, exit, &s) ||
	    store_finish(vcpu, &s, register_before(&s, offset), bytes))
		return;
	if (s.size == 4 && !(offset & 15))
		write_register(offset, *(u32 *)bytes);
	else
		write_oddly(offset, s.size, bytes);
}

/* Each exit asks; so the answer, the same on all CPUs, is kept. */
static bool wants_page(void)
{
	static enum {
		UNKNOWN,
		YES,
		NO
	} known;

	if (known == UNKNOWN)
		known = smp_traps_icr() ? YES : NO;
	return known == YES;
}

static struct mmio_page apic_page = {
	.size = PAGE_SIZE,
	.wanted = wants_page,
	.write = apic_write,
};

static int write_x2apic_icr(struct vcpu *vcpu, u32 msr, u64 value)
{
	if (lapic_is_x2apic() && done_as_signal(value, value >> 32, true))
		return 0;
	return guarded_wrmsr(msr, value);
}

MSR_HANDLER_IF(smp_traps_icr, x2apic_icr, MSR_X2APIC_ICR, MSR_X2APIC_ICR, NULL,
	       write_x2apic_icr);

void smp_watch_apic(void)
{
	if (!lapic_registers())
		return;
	apic_page.page = GPHYS(lapic_page().v);
	mmio_watch(&apic_page);
}

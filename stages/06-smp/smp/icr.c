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
#include "boot/cmdline.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "paging/guarded.h"
#include "smp/decode_store.h"
#include "smp/init_sipi.h"
#include "smp/lapic.h"
#include "smp/start.h"
#include "vmm/decode.h"
#include "vmm/guest_memory.h"
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
	WORD(firmware_starts_word, .name = "firmware-starts",
	     .only = BIT(BOOT_UEFI),
	     .help = "let the firmware start the further CPUs (TEST=1)");

	return cpu->state == CPU_OFF && cmdline_has(&firmware_starts_word);
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
		smp_start_cpus(); /* a UEFI machine's may be off still */
	if (!smp_is_ready(cpu))
		return;
	if ((icr & ICR_MODE) == ICR_MODE_SIPI)
		smp_send_sipi(cpu, icr & ICR_VECTOR);
	else
		smp_send_init(cpu);
}

/* Calls that are not for a CPU of ours are for nobody. */
static void signal_all(u32 icr, u32 dest, bool x2apic)
{
	struct smp_cpu *self = smp_self();

	for (uint i = 0; i < smp_count; i++) {
		struct smp_cpu *cpu = &smp_cpus[i];
		struct ipi_target t = {cpu->apic_id, cpu->ldr, cpu->dfr};

		if (ipi_addresses(icr, dest, x2apic, cpu == self, &t))
			signal_one(cpu, icr);
	}
}

/*
 * True if the command is an INIT or a start-up IPI, and has been dealt with.
 * An INIT with level trigger and without assert once synchronised arbitration
 * IDs; it resets nobody (SDM 3A 11.6.1).
 */
static bool done_as_signal(u32 icr, u32 dest, bool x2apic)
{
	u32 mode = icr & ICR_MODE;

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

static void write_register(uint offset, u32 value)
{
	struct smp_cpu *cpu = smp_self();
	volatile u32 *apic = apic_register(0);

	if (offset == LAPIC_ICR_LOW &&
	    done_as_signal(value, apic[LAPIC_ICR_HIGH / 4] >> 24, false))
		return;
	apic[offset / 4] = value;
	if (offset == LAPIC_LDR)
		cpu->ldr = apic[offset / 4];
	if (offset == LAPIC_DFR)
		cpu->dfr = apic[offset / 4];
}

/* Accesses that are not 32 bits, aligned to 16 bytes, are undefined (SDM 3A
 * 11.4.1). They write what they name, and send nothing. */
static void write_oddly(uint offset, uint size, u64 value)
{
	volatile u8 *at = apic_register(offset);

	if ((offset & ~15U) == LAPIC_ICR_LOW)
		return;
	for (uint i = 0; i < size && offset + i < PAGE_SIZE; i++)
		at[i] = value >> 8 * i;
}

static u64 *guest_register(struct vcpu *vcpu, uint number)
{
	u64 *regs = &vcpu->regs.rax;

	/* struct guest_regs has no RSP. */
	return number == 4 ? NULL : &regs[number < 4 ? number : number - 1];
}

static u64 store_operand(struct vcpu *vcpu, const struct store *s)
{
	u64 *reg;

	if (s->reg == STORE_IMMEDIATE)
		return s->value;
	reg = guest_register(vcpu, s->reg);
	if (!reg)
		return vcpu_ops->get(vcpu, VCPU_RSP);
	return s->high ? *reg >> 8 : *reg;
}

static void __noreturn panic_at_store(struct vcpu *vcpu, const u8 *code,
				      uint size)
{
	char bytes[3 * INSTRUCTION_MOST + 1] = "";

	for (uint i = 0; i < size; i++)
		snprintf(bytes + 3 * i, 4, " %02x", code[i]);
	vcpu_ops->dump(vcpu);
	panic("the guest writes to the local APIC with an instruction that "
	      "Vellum does not know, at 0x%lx: bytes%s",
	      vcpu_ops->get(vcpu, VCPU_RIP), bytes);
}

/* What the register holds before the store, where that matters. */
static u64 register_before(const struct store *s, uint offset)
{
	volatile u32 *apic = apic_register(0);

	return s->op == STORE_MOV ? 0 : apic[offset / 4] >> 8 * (offset & 3);
}

/* XCHG has an old value to give back; 32 bits clear the upper half. */
static void give_back_exchanged(struct vcpu *vcpu, const struct store *s,
				u64 old)
{
	u64 *reg = guest_register(vcpu, s->reg);

	if (!reg || s->size != 4)
		return;
	*reg = (u32)old;
}

static void apic_write(struct vcpu *vcpu, gphys_t gpa)
{
	uint offset = gpa.v & PAGE_MASK, size;
	u64 old, value, rflags = vcpu_ops->get(vcpu, VCPU_RFLAGS);
	u8 code[INSTRUCTION_MOST];
	struct store s;

	size = guest_fetch(vcpu, code);
	if (store_decode(code, size, guest_address_size(vcpu), &s))
		panic_at_store(vcpu, code, size);
	old = register_before(&s, offset);
	value = store_result(&s, old, store_operand(vcpu, &s), &rflags);
	if (s.op == STORE_XCHG)
		give_back_exchanged(vcpu, &s, old);
	if (s.op < STORE_MOV)
		vcpu_ops->set(vcpu, VCPU_RFLAGS, rflags);
	vcpu_ops->skip_bytes(vcpu, s.length);
	if (s.size == 4 && !(offset & 15))
		write_register(offset, value);
	else
		write_oddly(offset, s.size, value);
}

static struct mmio_page apic_page = {
	.wanted = smp_traps_icr,
	.write = apic_write,
};

static int write_x2apic_icr(struct vcpu *vcpu, u32 msr, u64 value)
{
	if (lapic_is_x2apic() && done_as_signal(value, value >> 32, true))
		return 0;
	return guarded_wrmsr(msr, value);
}

/* The page that is watched must stay where it is. */
static int write_apic_base(struct vcpu *vcpu, u32 msr, u64 value)
{
	if ((value & APIC_BASE_ADDRESS) != lapic_page().v) {
		printf("smp: the guest tried to move its local APIC to "
		       "0x%lx: #GP\n",
		       value & APIC_BASE_ADDRESS);
		return -EPERM;
	}
	return guarded_wrmsr(msr, value);
}

MSR_HANDLER_IF(smp_traps_icr, x2apic_icr, MSR_X2APIC_ICR, MSR_X2APIC_ICR, NULL,
	       write_x2apic_icr);
MSR_HANDLER_IF(smp_traps_icr, apic_base, MSR_APIC_BASE, MSR_APIC_BASE, NULL,
	       write_apic_base);

void smp_watch_apic(void)
{
	if (smp_count == 1)
		return;
	apic_page.page = GPHYS(lapic_page().v);
	mmio_watch(&apic_page);
}

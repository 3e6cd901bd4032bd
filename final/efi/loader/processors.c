/*
 * The other CPUs of a UEFI machine. They are the firmware's: each sits in a
 * loop of its own, and does what EFI_MP_SERVICES asks it to. We, a guest
 * already, ask for what this CPU has done: enter the hypervisor, and come back
 * as its guest.
 *
 *	this CPU, a guest     another CPU
 *	StartupAllAPs ------> enter() ---> hypervisor ---+
 *	     waits            firmware's loop <--- guest <-+
 *
 * They come one by one, since there is one handoff. Where the firmware wakes
 * them by INIT, the hypervisor has seen that, and has them already.
 *
 * Not all come: some may be disabled, or hang. None may stay behind, in a loop
 * of the firmware's whose code an operating system can overwrite. So we send
 * each of these an INIT. The hypervisor sees that, too, and takes the CPU.
 * Book: chapter 7.
 */
#include "efi/loader/loader.h"
#include "lib/cpu.h"

static const struct efi_guid mp_services = EFI_MP_SERVICES_GUID;

#define PATIENCE 10000000 /* microseconds, for all of them */

/* The local APIC's interrupt command register (SDM 3A 11.6.1, 11.12.9). */
#define APIC_X2APIC      BIT(10) /* in MSR_APIC_BASE */
#define APIC_PAGE        0x000ffffffffff000UL
#define APIC_ICR_LOW     0x300
#define APIC_ICR_HIGH    0x310
#define MSR_X2APIC_ICR   0x830
#define APIC_INIT_ASSERT 0x4500

#define ENTERED 0xffffffff /* in place of the APIC ID: it is Vellum's */

struct entrance {
	struct efi_mp_services *mp;
	struct efi_handoff *handoff;
	switch_fn *code;
};

static void EFIAPI enter(void *argument)
{
	struct entrance *e = argument;
	u32 *ids = (u32 *)e->handoff->cpus;
	u64 number;

	if (!cpu_has_vellum()) {
		cpu_save(&e->handoff->cpu);
		e->code(e->handoff);
	}
	if (!e->mp->who_am_i(e->mp, &number) && number < e->handoff->cpu_count)
		ids[number] = ENTERED;
}

static void send_init(u32 apic_id)
{
	u64 base = rdmsr(MSR_APIC_BASE);
	volatile u32 *apic = (u32 *)(base & APIC_PAGE);

	if (base & APIC_X2APIC) {
		wrmsr(MSR_X2APIC_ICR, (u64)apic_id << 32 | APIC_INIT_ASSERT);
		return;
	}
	apic[APIC_ICR_HIGH / 4] = apic_id << 24;
	apic[APIC_ICR_LOW / 4] = APIC_INIT_ASSERT;
}

static void take_the_rest(const struct entrance *e)
{
	u32 *ids = (u32 *)e->handoff->cpus;
	u64 self = 0;

	e->mp->who_am_i(e->mp, &self);
	for (u64 i = 0; i < e->handoff->cpu_count; i++) {
		if (i == self || ids[i] == ENTERED)
			continue;
		loader_print("vellum.efi: the firmware does not bring the CPU "
			     "with APIC ID %u: an INIT does\n",
			     ids[i]);
		send_init(ids[i]);
	}
}

efi_status processors_list(struct efi_handoff *handoff)
{
	struct efi_mp_services *mp;
	u64 all = 0, enabled;
	u32 *ids;

	if (efi_boot->locate_protocol(&mp_services, NULL, &mp) ||
	    mp->count(mp, &all, &enabled))
		return EFI_SUCCESS;
	ids = low_allocate(all * sizeof(*ids), EFI_LOADER_DATA);
	if (!ids)
		return EFI_OUT_OF_RESOURCES;
	handoff->cpus = (u64)ids;
	handoff->cpu_count = all;
	for (u64 i = 0; i < all; i++) {
		struct efi_processor p;
		efi_status status = mp->processor(mp, i, &p);

		if (status)
			return status;
		ids[i] = p.apic_id;
	}
	return EFI_SUCCESS;
}

void processors_forget(const struct efi_handoff *handoff)
{
	low_free((void *)handoff->cpus, handoff->cpu_count * sizeof(u32));
}

/* What the firmware says of its success is not asked for: who has entered has
 * said so. */
void processors_enter(struct efi_handoff *handoff, switch_fn *code)
{
	struct entrance e = {.handoff = handoff, .code = code};

	if (handoff->cpu_count < 2 ||
	    efi_boot->locate_protocol(&mp_services, NULL, &e.mp))
		return;
	handoff->entry = image_cpu_entry;
	e.mp->start_all(e.mp, enter, true, NULL, PATIENCE, &e, NULL);
	take_the_rest(&e);
}

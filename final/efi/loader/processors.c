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
 * Book: chapter 7.
 */
#include "efi/loader/loader.h"
#include "lib/cpu.h"

static const struct efi_guid mp_services = EFI_MP_SERVICES_GUID;

#define PATIENCE 10000000 /* microseconds, for all of them */

struct entrance {
	struct efi_handoff *handoff;
	switch_fn *code;
};

static void EFIAPI enter(void *argument)
{
	struct entrance *e = argument;

	if (cpu_has_vellum())
		return;
	cpu_save(&e->handoff->cpu);
	e->code(e->handoff);
}

void processors_enter(struct efi_handoff *handoff, switch_fn *code)
{
	struct entrance e = {handoff, code};
	struct efi_mp_services *mp;
	u64 all = 0, enabled = 0;
	efi_status status;

	if (efi_boot->locate_protocol(&mp_services, NULL, &mp) ||
	    mp->count(mp, &all, &enabled) || enabled < 2)
		return;
	handoff->entry = image_cpu_entry;
	status = mp->start_all(mp, enter, true, NULL, PATIENCE, &e, NULL);
	if (status)
		loader_print("vellum.efi: not all CPUs have entered Vellum "
			     "(status 0x%lx)\n",
			     status);
}

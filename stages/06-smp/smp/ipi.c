/*
 * Destinations of interprocessor interrupts (SDM 3A 11.6.2, 11.12.9, 11.12.10).
 *
 *	shorthand: self, all, all others; or, without one,
 *	physical:  an APIC ID, or all ones for everybody
 *	logical:   a set of CPUs; each has the name that its LDR gives it
 *	  flat     8 names, one bit each
 *	  cluster  a number of 4 bits, then 4 names, one bit each
 *	  x2APIC   a number of 16 bits, then 16 names; the LDR follows the ID
 */
#include "smp/ipi.h"

#include "lib/string.h"
#include "smp/lapic.h"

#define DFR_MODEL(dfr) ((dfr) >> 28)
#define DFR_FLAT       0xf

static bool logical_xapic(u32 dest, const struct ipi_target *t)
{
	u32 name = t->ldr >> 24;

	if (dest == 0xff)
		return true;
	if (DFR_MODEL(t->dfr) == DFR_FLAT)
		return name & dest;
	if (dest >> 4 != 0xf && dest >> 4 != name >> 4)
		return false;
	return name & dest & 0xf;
}

static bool logical_x2apic(u32 dest, const struct ipi_target *t)
{
	if (dest == 0xffffffff)
		return true;
	return dest >> 16 == t->id >> 4 && (dest & 1U << (t->id & 15));
}

bool ipi_addresses(u32 icr, u32 dest, bool x2apic, bool is_sender,
		   const struct ipi_target *target)
{
	switch (ICR_SHORTHAND(icr)) {
	case ICR_SHORTHAND_SELF:
		return is_sender;
	case ICR_SHORTHAND_ALL:
		return true;
	case ICR_SHORTHAND_OTHER:
		return !is_sender;
	}
	if (icr & ICR_LOGICAL)
		return x2apic ? logical_x2apic(dest, target)
			      : logical_xapic(dest, target);
	if (dest == (x2apic ? 0xffffffff : 0xff))
		return true;
	return dest == target->id;
}

/*
 * Bochs up to 2.7 mixes up INIT and VMX: an INIT that has caused an exit is
 * still there at the next entry, and a start-up IPI leaves SMIs blocked, with
 * which no entry succeeds. It names itself in the ACPI tables. (QEMU does by
 * the same name, and under it emulation is merely slower.) icr=trap and
 * icr=native on the command line overrule this.
 *
 * UEFI: a CPU that is not ours yet can't report anything.
 */
bool ipi_hardware_reports(bool can_wait, bool uefi, const char *word,
			  const char *oem)
{
	if (!can_wait || uefi)
		return false;
	if (*word)
		return !strcmp(word, "native");
	return memcmp(oem, "BOCHS", 5) != 0;
}

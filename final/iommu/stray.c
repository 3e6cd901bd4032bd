/*
 * Is each device somebody's? What an IOMMU is not responsible for goes by it,
 * and reaches all memory. The tables say whose a device is: Intel's by name, or
 * as one of all that are not named; AMD's by ranges of numbers. We look at the
 * functions that there are. Host bridges and the units themselves are passed
 * over: what they do is no DMA that a guest asks for. Functions of another
 * segment than 0 we don't see: all of it must be a unit's. Book: chapter 15.
 */
#include "iommu/stray.h"

#include "pci/ecam.h"
#include "pci/pci.h"

static const char stray[] = "it leaves out devices";

static bool asks_for_dma(const struct pci_function *f)
{
	return f->class >> 8 != CLASS_HOST && f->class >> 8 != CLASS_IOMMU;
}

/* Has MCFG other segments than the @count of @list? */
static bool has_more_segments(const u16 *list, uint count)
{
	struct acpi_root root;

	return acpi_machine_root(&root) ||
	       !ecam_segments_in(acpi_map, &root, list, count);
}

/* The buses to which the bridge @f leads. */
static void add_buses(const struct pci_function *f, bool led[256])
{
	u32 buses = pci_read(f->bdf, PCI_BUSES);

	for (uint bus = buses >> 8 & 255; bus <= (buses >> 16 & 255); bus++)
		led[bus] = true;
}

/* Those of bus 0 must be named, or the bridge that leads to them. */
const char *find_stray_vtd(const struct dmar *dmar)
{
	bool led[256] = {true}, seen[256] = {0};
	struct pci_function f;
	u32 next = 0;

	if (has_more_segments(dmar->segment, dmar->units))
		return stray;
	if (dmar_has_rest(dmar))
		return NULL;
	while (pci_next(&next, &f)) {
		seen[PCI_BUS(f.bdf)] = true;
		if (f.type == PCI_TYPE_BRIDGE)
			add_buses(&f, led);
		if (!PCI_BUS(f.bdf) && asks_for_dma(&f) &&
		    !dmar_has(dmar, f.bdf))
			return stray;
	}
	for (uint bus = 0; bus < 256; bus++)
		if (seen[bus] && !led[bus])
			return stray;
	return NULL;
}

const char *find_stray_amdvi(const struct ivrs *ivrs)
{
	struct pci_function f;
	u32 next = 0;

	if (has_more_segments(ivrs->segment, ivrs->units))
		return stray;
	for (uint i = 0; i < ivrs->units; i++)
		if (ivrs->segment[i] && !ivrs->all[i])
			return stray;
	while (pci_next(&next, &f))
		if (asks_for_dma(&f) && !ivrs_has(ivrs, f.bdf))
			return stray;
	return NULL;
}

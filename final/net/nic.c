/*
 * The network card: which one it is, how Vellum comes by it, and what is the
 * same for all of them. Book: chapter 14.
 */
#include "net/nic.h"

#include "console/printf.h"
#include "iommu/iommu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "net/e1000.h"
#include "pci/bridge.h"
#include "smp/cpus.h"

#define CLASS_ETHERNET 0x0200 /* class and subclass (PCI 3.0, appendix D) */

static struct nic card;

/* Is it the one that @choice means? */
static bool is_chosen(const struct nic_choice *choice,
		      const struct pci_function *f)
{
	u8 mac[MAC_SIZE];

	switch (choice->by) {
	case NIC_FIRST:
		return true;
	case NIC_BDF:
		return f->bdf == choice->bdf;
	case NIC_MAC:
		return CONFIG_NET_E1000 && !e1000_read_mac(f, mac) &&
		       !memcmp(mac, choice->mac, MAC_SIZE);
	default:
		return false;
	}
}

/* Who looks for a card and gets none wants to know what there is. */
static void print_no_driver(const struct pci_function *f)
{
	printf("net: no driver for " PCI_BDF_FORMAT ", %04x:%04x\n",
	       PCI_BDF_ARGS(f->bdf), f->vendor, f->device);
}

static bool find_card(const struct nic_choice *choice, struct pci_function *f)
{
	u32 next = 0;

	while (pci_next(&next, f))
		if (f->class >> 8 != CLASS_ETHERNET)
			continue;
		else if (!nic_model(f->vendor, f->device))
			print_no_driver(f);
		else if (is_chosen(choice, f))
			return true;
		else
			printf("net: " PCI_BDF_FORMAT " is not the card that "
			       "net= names\n",
			       PCI_BDF_ARGS(f->bdf));
	return false;
}

/* An IOMMU that we do not use is the guest's, and the guest knows of no such
 * card: as soon as it sets that up, the card sends nothing more. */
static void warn_of_iommu(void)
{
	static const char *const tables[] = {"DMAR", "IVRS"};
	struct acpi_table table;

	if (CONFIG_IOMMU && iommu_expected())
		return;
	for (uint i = 0; i < ARRAY_SIZE(tables); i++)
		if (smp_find_table(tables[i], &table) != -ENOENT)
			printf("net: this machine has an IOMMU (ACPI's %s): a "
			       "guest that uses it cuts the card off; "
			       "for Linux: intel_iommu=off, amd_iommu=off\n",
			       tables[i]);
}

/* Our IOMMU keeps the card apart from all others, if it can tell them apart. */
static bool is_its_own(const struct nic *nic)
{
	const char *why = CONFIG_IOMMU && iommu_expected()
				  ? bridge_alias(&nic->pci)
				  : NULL;

	if (why)
		printf("net: " PCI_BDF_FORMAT ", %s: left to the guest: %s, "
		       "and the IOMMU can't tell them apart\n",
		       PCI_BDF_ARGS(nic->pci.bdf), nic->name, why);
	return !why;
}

struct nic *nic_open(const struct nic_choice *choice)
{
	struct nic *nic = &card;
	const char *error;

	if (choice->by == NIC_NONE)
		return NULL;
	*nic = (struct nic){0};
	if (!find_card(choice, &nic->pci)) {
		printf("net: there is no such card\n");
		return NULL;
	}
	nic->name = nic_model(nic->pci.vendor, nic->pci.device);
	if (!is_its_own(nic))
		return NULL;
	pci_take(&nic->pci);
	error = CONFIG_NET_E1000 ? e1000_start(nic) : "no driver";
	printf("net: " PCI_BDF_FORMAT ", %s: %s\n", PCI_BDF_ARGS(nic->pci.bdf),
	       nic->name, error ? error : "taken from the guest");
	if (error)
		return NULL;
	warn_of_iommu();
	return nic;
}

/* What a driver returned: a card that is lost is not asked again. */
static int note(struct nic *nic, int result)
{
	if (result == -ENODEV)
		nic->lost = true;
	return result;
}

int nic_send(struct nic *nic, const void *frame, size_t length)
{
	int error = -EINVAL;

	if (nic->lost)
		error = -ENODEV;
	else if (length >= FRAME_MIN && length <= FRAME_MAX)
		error = note(nic, nic->driver->send(nic, frame, length));
	if (error)
		nic->unsent++;
	else
		nic->sent++;
	return error;
}

int nic_receive(struct nic *nic, void *frame, size_t room)
{
	int n = nic->lost ? -ENODEV
			  : note(nic, nic->driver->receive(nic, frame, room));

	if (n > 0)
		nic->received++;
	else if (n == -EINVAL)
		nic->dropped++;
	return n;
}

int nic_drain(struct nic *nic)
{
	return nic->lost ? -ENODEV : note(nic, nic->driver->drain(nic));
}

bool nic_link(struct nic *nic)
{
	return !nic->lost && note(nic, nic->driver->link(nic)) > 0;
}

int nic_restore(struct nic *nic)
{
	int error = nic->driver->restore(nic);

	nic->lost = error == -ENODEV;
	return error;
}

int nic_wake(struct nic *nic)
{
	int error;

	pci_take_again(&nic->pci);
	error = nic_restore(nic);
	if (!error)
		pci_allow_dma(&nic->pci, true);
	return error;
}

void nic_stop(struct nic *nic)
{
	nic->driver->stop(nic);
	nic->lost = true;
	pci_allow_dma(&nic->pci, false);
}

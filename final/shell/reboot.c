/*
 * The firmware's own way to reset: a register that ACPI's FADT names, and the
 * value to be written to it. On machines of today that is mostly the chipset's
 * port 0xcf9 again; on those where it is another, or in memory, nothing else
 * may work. So it is the first way that lib/reset.c tries. Book: chapter 12.
 */
#include "shell/reboot.h"

#include "console/console.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/reset.h"
#include "paging/paging.h"
#include "smp/cpus.h"
#include "smp/panic.h"

/* In the FADT (ACPI 6.5, 5.2.9). */
#define FADT_FLAGS       112
#define FADT_RESET       116 /* a generic address structure (5.2.3.2) */
#define FADT_RESET_VALUE 128
#define FLAG_RESET       BIT(10) /* the two fields are there */
#define GAS_BITS         1
#define GAS_OFFSET       2
#define GAS_ADDRESS      4

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_ENABLE  BIT(31)

static struct acpi_reset acpi;
static volatile u8 *acpi_memory; /* where it is mapped */

int acpi_reset_read(const struct acpi_table *fadt, struct acpi_reset *reset)
{
	const u8 *gas = fadt->data + FADT_RESET;

	if (fadt->size <= FADT_RESET_VALUE ||
	    !(acpi_get32(fadt->data + FADT_FLAGS) & FLAG_RESET))
		return -ENOENT;
	*reset = (struct acpi_reset){
		.space = gas[0],
		.value = fadt->data[FADT_RESET_VALUE],
		.address = acpi_get64(gas + GAS_ADDRESS),
	};
	if (fadt->doubtful || gas[GAS_BITS] != 8 || gas[GAS_OFFSET])
		return -EINVAL;
	switch (reset->space) {
	case ACPI_MEMORY:
		return reset->address ? 0 : -EINVAL;
	case ACPI_PORT:
		return reset->address && reset->address <= 0xffff ? 0 : -EINVAL;
	case ACPI_PCI: /* device, function, offset */
		return reset->address >> 32 < 32 &&
				       (reset->address >> 16 & 0xffff) < 8 &&
				       (reset->address & 0xffff) < 256
			       ? 0
			       : -EINVAL;
	default:
		return -EINVAL;
	}
}

static void write_pci(u64 address, u8 value)
{
	u32 function = (address >> 32) << 3 | (address >> 16 & 7);

	outl(PCI_ADDRESS, PCI_ENABLE | function << 8 | (address & 0xfc));
	outb(PCI_DATA + (address & 3), value);
}

static void reset_by_acpi(void)
{
	static const char *const spaces[] = {"memory", "port", "PCI register"};

	printf("reset: ACPI's register, %s 0x%lx\n", spaces[acpi.space],
	       acpi.address);
	if (acpi.space == ACPI_PORT)
		outb(acpi.address, acpi.value);
	else if (acpi.space == ACPI_PCI)
		write_pci(acpi.address, acpi.value);
	else
		*acpi_memory = acpi.value;
}

void reboot_init(void)
{
	struct acpi_table fadt;
	int error = smp_find_table("FACP", &fadt);

	if (!error)
		error = acpi_reset_read(&fadt, &acpi);
	if (!error && acpi.space == ACPI_MEMORY) {
		acpi_memory =
			map_phys(PHYS(acpi.address), 1, MAP_WRITE | MAP_DEVICE);
		error = acpi_memory ? 0 : -EINVAL;
	}
	if (!error)
		machine_reset_by_firmware = reset_by_acpi;
	else if (error == -EINVAL)
		printf("reset: ACPI's reset register makes no sense: it is not "
		       "used\n");
}

void shell_reboot(void)
{
	smp_claim_panic(0, 0); /* nobody else speaks any more */
	smp_stop_others();
	console_take_back();
	printf("vellum: rebooting\n");
	machine_reset();
}

void shell_halt(void)
{
	smp_claim_panic(0, 0);
	smp_stop_others();
	console_take_back();
	printf("vellum: halted\n");
	cpu_halt_forever();
}

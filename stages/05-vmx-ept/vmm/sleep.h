/*
 * Sleep: which ports begin it and end it, by ACPI's tables, and which of the
 * sleep states come back through an address of the guest's.
 */
#ifndef VMM_SLEEP_H
#define VMM_SLEEP_H

#include "vmm/acpi.h"

/* The high byte of PM1 control (ACPI 6.5, 4.8.3.2.1). */
#define ACPI_SLP_TYP(byte) ((byte) >> 2 & 7)
#define ACPI_SLP_EN        BIT(5)

/* The high byte of PM1 status (4.8.3.1.1): "it is awake again". */
#define ACPI_WAK_STS BIT(7)

/* A register may be in two parts, PM1a and PM1b. */
#define ACPI_BLOCKS    2
#define ACPI_SLP_TYPES 8

struct acpi_sleep {
	u16 control[ACPI_BLOCKS]; /* first port of each; 0: there is none */
	u16 status[ACPI_BLOCKS];
	u64 facs[2]; /* physical; 0: there is none */
	u64 dsdt;

	/* Bit n of an entry: this SLP_TYP means the state Sn. 0: who knows? */
	u8 states[ACPI_BLOCKS][ACPI_SLP_TYPES];
};

/* The table that the guest and the firmware share. */
struct acpi_facs {
	const volatile u8 *data;
	bool wide; /* it has the 64-bit vector as well */
};

/* Read all but the states; no control port: this is no use. */
void sleep_read_fadt(const struct acpi_table *fadt, struct acpi_sleep *sleep);

/* Read the FACS at @phys. -EINVAL: that is none. */
int sleep_read_facs(acpi_map_fn *map, u64 phys, struct acpi_facs *facs);

/* Has the guest left an address at which it wants to wake, in any mode? */
bool sleep_has_waking_vector(const struct acpi_facs *facs);

/*
 * Would the write of @byte to the high half of control register @block, when
 * the guest left a waking vector or not, put the machine to a sleep from which
 * the CPU comes back without Vellum?
 */
bool sleep_is_escape(const struct acpi_sleep *sleep, uint block, u8 byte,
		     bool waking_vector);

/* Watch, on this CPU, the ports by which a guest asks for S3. The tables are
 * read on CPU 0, which is the first. Phase cpu, each CPU. */
void sleep_watch(void);

/* What the tables say. Who knows more fills in the states, before the guest
 * runs. */
struct acpi_sleep *sleep_tables(void);

#endif

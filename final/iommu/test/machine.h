/*
 * A machine with a table of IOMMUs, for host tests: what iommu.c asks of the
 * other layers.
 */
#ifndef IOMMU_TEST_MACHINE_H
#define IOMMU_TEST_MACHINE_H

#include "host.h"

#include <setjmp.h>

extern struct machine {
	const char *name; /* of the table; NULL: there is none */
	u8 table[1024];   /* physical memory begins with it */
	uint copies;      /* of it in ACPI's lists, each behind the other, */
	bool last_is_rom; /* and that can't be written to */
	uint size;
	bool no_root;      /* of ACPI's tables */
	bool no_registers; /* can be mapped */
	uint functions;    /* of PCI; every second one is an IOMMU, */
	u16 first;         /* from this one on */
	bool is_bridge;    /* the others are, to buses 1 to 3 */
	bool no_hiding;    /* and can't be hidden */
	u64 ecam;          /* of bus 0; that of buses 2 to 5 is there */
	u16 segment;       /* MCFG names this one, too */

	uint watched;   /* runs of pages */
	uint hidden;    /* functions */
	jmp_buf halted; /* by vmm_no_guest() */
} machine;

/* A DMAR table of @count units, of which the last is in segment 1, if
 * @segments; and behind it a range that is reserved. */
void machine_has_dmar(uint count, bool segments);
void machine_has_dmar_of(uint count, bool segments, u8 flags);
void machine_has_reserved(u64 base, u64 last);

/* An IVRS table of one unit. */
void machine_has_ivrs(void);

/* And @count copies of it, of which only the name and the sum are there. */
void machine_has_copies(uint count);

/* What the table's bytes add up to. */
u8 machine_sum(void);

#endif

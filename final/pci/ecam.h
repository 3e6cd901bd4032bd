/*
 * Where PCI configuration space lies in memory: ECAM, a page for each function
 * (PCI Express Base 5.0, 7.2.2). All but the last three are pure.
 */
#ifndef PCI_ECAM_H
#define PCI_ECAM_H

#include "vmm/acpi.h"

#define ECAM_MOST    8
#define ECAM_NOWHERE (~0UL) /* no page has that address */

/* One window: the functions of buses @first to @last of segment 0. */
struct ecam {
	u64 base; /* of bus 0, whether or not the window has it */
	uint first, last;
};

/*
 * The windows that MCFG tables below @root name (PCI Firmware 3.3, 4.1.2), at
 * most ECAM_MOST of them into @list; doubtful tables as well, for what is named
 * here is closed. Returns how many; *@doubtful: there may be more.
 */
uint ecam_read_mcfg(acpi_map_fn *map, const struct acpi_root *root,
		    struct ecam *list, bool *doubtful);

/* Is each segment that those tables name one of the @count in @list, or 0? */
bool ecam_segments_in(acpi_map_fn *map, const struct acpi_root *root,
		      const u16 *list, uint count);

/*
 * The window of PCIEXBAR, 64 bits of the host bridge's of Intel's chipsets
 * (Q35 datasheet 5.1.16). False: @value says that there is none. What no
 * chipset takes alike is not @plain: reserved bits, and an address above 64
 * GiB.
 */
bool ecam_of_pciexbar(u64 value, struct ecam *window, bool *plain);

/* The window of AMD's MSR C001_0058 (PPR for Family 17h, 2.1.14.3:
 * MMIO_CFG_BASE). */
bool ecam_of_amd(u64 value, struct ecam *window);

/* Of Intel's chipsets (Q35 datasheet 5.1.16): a register of 8 bytes. */
#define HOST_BRIDGE 0 /* 00:00.0 */
#define PCIEXBAR    0x60

/* The page of function @bdf in @window; or ECAM_NOWHERE. */
u64 ecam_page(const struct ecam *window, u16 bdf);

/* The same, if it can be there: what is RAM is no ECAM. */
u64 ecam_place(const struct ecam *window, u16 bdf);

/* What PCIEXBAR says now, if the machine has it. */
u64 ecam_pciexbar(void);

/* Where this machine has ECAM. */
struct ecam_places {
	struct ecam
		window[ECAM_MOST + 1]; /* that its tables and MSRs tell of */
	uint count;
	bool has_pciexbar; /* there is that register, which moves it, too */
	bool may_move;     /* a register does, and nobody knows which */
	bool doubtful;     /* there may be more of them */
};

/* Find out. MSRs that move it are not the guest's to write (vmm/msr_rules.c).
 * Phase device. */
void ecam_find(struct ecam_places *places);

#endif

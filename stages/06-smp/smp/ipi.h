/*
 * To whom does an interrupt command go? Pure; tested on the host.
 */
#ifndef SMP_IPI_H
#define SMP_IPI_H

#include "lib/types.h"

/* A CPU, as its APIC knows itself. */
struct ipi_target {
	u32 id;       /* 8 bits of it count in xAPIC mode */
	u32 ldr, dfr; /* of xAPIC mode */
};

/*
 * Does @icr address @target, which may be the CPU that sends it? In xAPIC mode
 * @dest is the destination's 8 bits; in x2APIC mode, 32 bits.
 */
bool ipi_addresses(u32 icr, u32 dest, bool x2apic, bool is_sender,
		   const struct ipi_target *target);

/*
 * Can we leave INITs and start-up IPIs to hardware that reports them?
 * @can_wait: the CPU has VMX's wait-for-SIPI state. @word: what the command
 * line says to icr=, or "". @oem: the maker's name in the ACPI tables.
 */
bool ipi_hardware_reports(bool can_wait, bool uefi, const char *word,
			  const char *oem);

#endif

/*
 * This CPU's local APIC, in whichever mode it is: xAPIC, whose registers are
 * memory, or x2APIC, whose registers are MSRs (SDM 3A chapter 11). And to whom
 * an interrupt command goes, which is pure, and tested on the host.
 */
#ifndef SMP_LAPIC_H
#define SMP_LAPIC_H

#include "lib/types.h"

/* Registers, by their offset in the page; in x2APIC mode MSR 800h + 1/16. */
#define LAPIC_ID         0x20
#define LAPIC_VERSION    0x30
#define LAPIC_TPR        0x80
#define LAPIC_EOI        0xb0
#define LAPIC_LDR        0xd0
#define LAPIC_DFR        0xe0
#define LAPIC_SVR        0xf0
#define LAPIC_ISR        0x100 /* eight of them */
#define LAPIC_IRR        0x200 /* as many */
#define LAPIC_ESR        0x280
#define LAPIC_LVT_CMCI   0x2f0
#define LAPIC_ICR_LOW    0x300
#define LAPIC_ICR_HIGH   0x310
#define LAPIC_LVT_TIMER  0x320 /* six of them: to 0x370 */
#define LAPIC_LVT_ERROR  0x370
#define LAPIC_TIMER_INIT 0x380
#define LAPIC_TIMER_DIV  0x3e0
#define LAPIC_EXT        0x400 /* AMD: how many further LVT entries, */
#define LAPIC_LVT_EXT    0x500 /* and the first of them */

/* Interrupt command register, low half (SDM 3A 11.6.1). */
#define ICR_VECTOR          0xff
#define ICR_MODE            0x700
#define ICR_MODE_NMI        0x400
#define ICR_MODE_INIT       0x500
#define ICR_MODE_SIPI       0x600
#define ICR_LOGICAL         BIT(11)
#define ICR_BUSY            BIT(12)
#define ICR_ASSERT          BIT(14)
#define ICR_LEVEL           BIT(15)
#define ICR_SHORTHAND(icr)  ((icr) >> 18 & 3)
#define ICR_SHORTHAND_SELF  1
#define ICR_SHORTHAND_ALL   2
#define ICR_SHORTHAND_OTHER 3

#define MSR_X2APIC_ICR 0x830

/* Bits of MSR_APIC_BASE. */
#define APIC_BASE_X2APIC  BIT(10)
#define APIC_BASE_ENABLED BIT(11)
#define APIC_BASE_ADDRESS 0x000ffffffffff000UL

/* Map the registers. CPU 0, once. -ENODEV: there is no local APIC. */
int lapic_init(void);

/* The physical address of the page of registers, and where it is mapped. */
phys_t lapic_page(void);
volatile void *lapic_registers(void);

bool lapic_is_x2apic(void);

/* The register at @offset. Not EOI and the like in x2APIC mode. */
u32 lapic_read(uint offset);
void lapic_write(uint offset, u32 value);

/* This CPU's APIC ID, of 8 or 32 bits. */
u32 lapic_id(void);

/*
 * Send an interrupt: @icr as in the register's low half, to the CPU with ID
 * @dest. What the guest has in the register's high half stays there. An APIC
 * that is off sends nothing, and none is waited for without end.
 */
void lapic_send(u32 dest, u32 icr);

/* What INIT does to this CPU's local APIC (SDM 3A 11.4.7.3). With interrupts
 * off; lets NMIs in meanwhile. In lapic_reset.c. */
void lapic_reset(void);

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

#endif

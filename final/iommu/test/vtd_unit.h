/*
 * A model of one of Intel's units, for host tests: registers that behave as the
 * specification has them, and fail the test when they are used otherwise; and
 * that break down as a test wants.
 */
#ifndef IOMMU_TEST_VTD_UNIT_H
#define IOMMU_TEST_VTD_UNIT_H

#include "iommu/registers.h"
#include "memory.h"

#define VTD_BASE 0xfed90000UL

/* Bits of the command register that a test may name. */
#define VTD_TE   BIT(31)
#define VTD_SRTP BIT(30)
#define VTD_EAFL BIT(28)
#define VTD_WBF  BIT(27)
#define VTD_QIE  BIT(26)
#define VTD_IRE  BIT(25)
#define VTD_CFI  BIT(23)

#define VTD_CAP_RWBF   BIT(4)
#define VTD_CAP_CM     BIT(7)
#define VTD_CAP_3      BIT(9)
#define VTD_CAP_4      BIT(10)
#define VTD_CAP_2M     BIT(34)
#define VTD_CAP_1G     BIT(35)
#define VTD_CAP_ESRTPS BIT(63)
/* With the fault registers at @fro, so many of them, and of @bits addresses. */
#define VTD_CAP(fro, number, bits)                         \
	((u64)(fro) / 16 << 24 | ((u64)(number)-1) << 40 | \
	 ((u64)(bits)-1) << 16)
#define VTD_ECAP_COHERENT BIT(0)
#define VTD_ECAP_QUEUE    BIT(1)
#define VTD_ECAP(iro)     ((u64)(iro) / 16 << 8)

#define VTD_OVERFLOW BIT(0)

struct vtd_unit {
	/* What it is like. */
	u32 version;
	u64 cap, ecap;
	u32 deaf;                             /* commands that it never does, */
	bool no_contexts, no_iotlb, no_queue; /* invalidations likewise, */
	bool does_nothing; /* or says that it has done, but not what */
	bool keeps_closed; /* protected memory */
	bool stuck;        /* its queue has a bad entry */
	bool may_stop;     /* translating, as the machine is handed back */
	uint slow;         /* reads until a command is done */

	/* Its state, which firmware may have left. */
	u32 status;                       /* G_* bits */
	u64 rtaddr;                       /* written, and */
	u64 root;                         /* in use */
	bool stale_contexts, stale_iotlb; /* it knows of former tables */
	bool closed;                      /* protected memory */
	u64 head, tail, queue;
	u32 faults, fault_control; /* FSTS and FECTL */
	u64 record[16][2];

	/* What it was told, in order: "QIE- WBF SRTP contexts iotlb TE". */
	char told[256];
	u64 reads;
};

extern struct vtd_unit vtd_unit;

/* A new one, that can all and does it at once. */
void vtd_unit_reset(void);

/* Where in memory does the function @bdf of the bus arrive with @address, in
 * *@to? Its rights; 0: nowhere. The domain goes to *@domain. */
uint vtd_unit_access(u16 bdf, u64 address, u64 *to, uint *domain);

/* Record a fault as hardware does: in the next register, if that is free. */
void vtd_unit_fault(u16 bdf, u64 address, bool write, u8 reason);

#endif

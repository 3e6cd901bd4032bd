/*
 * A model of one of AMD's units, for host tests: as vtd_unit.h.
 */
#ifndef IOMMU_TEST_AMDVI_UNIT_H
#define IOMMU_TEST_AMDVI_UNIT_H

#include "iommu/registers.h"
#include "memory.h"

#define AMDVI_BASE 0xfd200000UL

#define AMDVI_ON       BIT(0)
#define AMDVI_EVENTS   BIT(2)
#define AMDVI_COHERENT BIT(10)
#define AMDVI_COMMANDS BIT(12)

#define AMDVI_OVERFLOW     BIT(0) /* of the status */
#define AMDVI_RUN_EVENTS   BIT(3)
#define AMDVI_RUN_COMMANDS BIT(4)

#define AMDVI_INVALIDATE_ALL BIT(6) /* of the features */
#define AMDVI_COUNTERS       BIT(9)

struct amdvi_unit {
	/* What it is like. */
	u64 features;
	bool gone;          /* all registers read as ones */
	bool deaf;          /* it does no command, */
	bool lazy;          /* or only when its status is read */
	bool keeps_running; /* its rings, for ever; */
	uint slow;          /* or for so many reads of the status */
	bool may_stop;      /* translating, as the machine is handed back */

	/* Its state, which firmware may have left. */
	u64 control, status, table, commands, events, exclusion[2];
	u64 command_head, command_tail, event_head, event_tail;
	bool stale_device[0x10000]; /* it knows of former entries, */
	bool stale_domain[4];       /* and former pages */

	/* What it was told, in order; and how many devices to forget. */
	char told[256];
	uint devices;
};

extern struct amdvi_unit amdvi_unit;

/* A new one, that can all and does it at once. */
void amdvi_unit_reset(void);

/* Does it know anything of old? */
bool amdvi_unit_is_stale(void);

/* As vtd_unit_access(). */
uint amdvi_unit_access(u16 bdf, u64 address, u64 *to, uint *domain);

/* Log an event of two words, as hardware does. */
void amdvi_unit_event(u64 first, u64 second);

#endif

/*
 * Machine checks that come while the CPU runs Vellum. See machine_check.c.
 * Book: chapter 5, "Machine checks".
 */
#ifndef VMM_MACHINE_CHECK_H
#define VMM_MACHINE_CHECK_H

#include "lib/types.h"

struct vcpu;

#define MCG_STATUS_RIPV BIT(0) /* one can go on where it came */
#define MCG_STATUS_EIPV BIT(1) /* what it interrupted has to do with it */

/* A bank's status (SDM 3B 16.3.2.2; APM 2 9.3.2.2). */
#define MC_VALID   BIT(63)
#define MC_UC      BIT(61) /* the error is not corrected */
#define MC_ENABLED BIT(60) /* it may have raised the exception */
#define MC_MISCV   BIT(59)
#define MC_ADDRV   BIT(58)
#define MC_PCC     BIT(57) /* the CPU's state may be corrupt */
#define MC_AR      BIT(55) /* what asked for the data can't go on */

#define MC_BANKS 32

struct machine_check {
	u64 status; /* IA32_MCG_STATUS */
	uint count; /* banks that there are */
	struct mc_bank {
		u64 status, address, misc;
	} bank[MC_BANKS];
};

/*
 * Why can Vellum not go on after @mc? NULL: it can, and the guest is to hear of
 * it. The address in a bank is taken for physical, and its page for lost.
 */
const char *machine_check_is_fatal(const struct machine_check *mc);

/* From now on one that is not fatal is kept for the guest. CPU 0. */
void machine_checks_keep(void);

/* The hardware says that one came at an entry. Keeps it, or panics. */
void machine_check_at_entry(void);

/* Give the guest one that is kept, as soon as it can take it. Before each
 * entry. */
void machine_check_serve(struct vcpu *vcpu);

#endif

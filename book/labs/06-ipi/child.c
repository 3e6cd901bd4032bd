/*
 * ipi_addresses(), asked.
 */
#include "judge.h"

#include "paging/paging.h"
#include "smp/lapic.h"

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	return NULL;
}

/* ask ICR DEST X2APIC IS_SENDER ID LDR DFR */
static void ask(void)
{
	const struct ipi_target target = {number(5), number(6), number(7)};

	answer("%d", ipi_addresses(number(1), number(2), number(3), number(4),
				   &target));
}

const struct judge_command judge_commands[] = {
	{"ask", ask},
	{},
};

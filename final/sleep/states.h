/*
 * What ACPI's bytecode tells of sleep states.
 */
#ifndef SLEEP_STATES_H
#define SLEEP_STATES_H

#include "vmm/sleep.h"

/*
 * From now on a sleep is judged by the name of its state, where the DSDT has
 * it. CPU 0, once sleep_watch() has read the tables and before the guest runs.
 */
void sleep_name_states(void);

/* Fill @states from the definitions of \_S1_ to \_S5_ in @dsdt. Pure. */
void sleep_read_states(const struct acpi_table *dsdt,
		       u8 states[ACPI_BLOCKS][ACPI_SLP_TYPES]);

/* The same for all DSDTs below @root (NULL: there is none), into @sleep. */
void sleep_read_names(acpi_map_fn *map, const struct acpi_root *root,
		      struct acpi_sleep *sleep);

#endif

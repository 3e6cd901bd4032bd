/*
 * The first letter of a table's name is changed, and its sum with it. Book:
 * chapter 15.
 */
#include "iommu/rename.h"

#include "lib/string.h"
#include "vmm/acpi.h"
#include "vmm/window.h"

#define MOST 8 /* tables of one name */

/* In a table's header, besides its name, which comes first. */
#define SUM         9
#define HIDDEN_NAME 'X'

static u64 renamed[MOST];
static uint renamed_count;

/* Give the table at @phys a name that begins with @name, and keep its sum. */
static void rename_table(u64 phys, u8 name)
{
	u8 before, sum;

	window_read(PHYS(phys), &before, 1);
	window_read(PHYS(phys + SUM), &sum, 1);
	sum += before - name;
	window_write(PHYS(phys), &name, 1);
	window_write(PHYS(phys + SUM), &sum, 1);
}

/* One that can't be written to is found again and again. */
bool rename_tables(const char *name)
{
	struct acpi_root root;
	struct acpi_table t;

	if (acpi_machine_root(&root))
		return false;
	while (!acpi_find_next(acpi_map, &root, name, 0, &t)) {
		if (renamed_count == MOST)
			return false;
		rename_table(t.phys, HIDDEN_NAME);
		renamed[renamed_count++] = t.phys;
	}
	return true;
}

/* The guest may have put something else in its place by now. */
static bool is_there(u64 phys, const char *name)
{
	char now[4];

	for (uint i = 0; i < sizeof(now); i++)
		window_read(PHYS(phys + i), now + i, 1);
	return *now == HIDDEN_NAME && !memcmp(now + 1, name + 1, 3);
}

void rename_back(const char *name)
{
	while (renamed_count)
		if (is_there(renamed[--renamed_count], name))
			rename_table(renamed[renamed_count], *name);
}

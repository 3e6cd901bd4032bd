/*
 * early_map(), by commands. Host pointers stand in for physical addresses.
 */
#include "judge.h"

#include "efi/loader/early_map.h"

static u64 tables[EARLY_TABLES][512] __aligned(4096);
static struct early_map map;

static void new (void)
{
	memset(tables, 0, sizeof(tables));
	map = (struct early_map){.table = tables, .levels = number(1)};
}

static void add(void)
{
	answer("%d",
	       early_map(&map, number(1), number(2), number(3), number(4)));
}

/* Where the tables are, how many are used, and all entries that are not 0. */
static void dump(void)
{
	answer("%lx %u", (u64)tables, map.used);
	for (uint t = 0; t < EARLY_TABLES; t++)
		for (uint i = 0; i < 512; i++)
			if (tables[t][i])
				answer(" %u.%u=%lx", t, i, tables[t][i]);
}

const struct judge_command judge_commands[] = {
	{"new", new},
	{"map", add},
	{"dump", dump},
	{},
};

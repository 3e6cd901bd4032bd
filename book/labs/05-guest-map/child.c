/*
 * The guest's memory map, by commands.
 */
#include "judge.h"

#include "guest/bios_map.h"

static struct mem_map machine;
static struct mem_range taken[GUEST_MAP_TAKEN];
static uint count;

static void clear(void)
{
	machine.count = count = 0;
}

static struct mem_range range(void)
{
	return (struct mem_range){number(1), number(2), number(3)};
}

static void add(void)
{
	machine.range[machine.count++] = range();
}

static void take(void)
{
	taken[count++] = range();
}

static void build(void)
{
	static struct guest_map guest;

	guest_map_build(&guest, &machine, taken, count);
	for (uint i = 0; i < MIN(guest.count, (uint)GUEST_MAP_MAX); i++)
		answer("%s%lx,%lx,%u", i ? " " : "", (u64)guest.entry[i].base,
		       (u64)guest.entry[i].size, guest.entry[i].type);
}

const struct judge_command judge_commands[] = {
	{"clear", clear}, {"add", add}, {"take", take}, {"build", build}, {},
};

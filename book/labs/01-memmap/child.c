/*
 * A memory map, by commands.
 */
#include "judge.h"

#include "boot/memmap.h"

static struct mem_map map;

static void clear(void)
{
	map.count = 0;
}

static void add(void)
{
	mem_map_add(&map, number(1), number(2), number(3));
}

static void finish(void)
{
	mem_map_finish(&map);
	for (uint i = 0; i < map.count && i < BOOT_MEM_RANGES; i++)
		answer("%s%lx,%lx,%u", i ? " " : "", map.range[i].base,
		       map.range[i].size, map.range[i].type);
	if (map.count > BOOT_MEM_RANGES)
		answer(" too many: %u", map.count);
}

const struct judge_command judge_commands[] = {
	{"clear", clear},
	{"add", add},
	{"finish", finish},
	{},
};

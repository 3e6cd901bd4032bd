/*
 * Page tables, by commands. Tables lie in an array; table 0 is the root.
 */
#include "judge.h"

#include "lib/errno.h"
#include "paging/address.h"
#include "paging/early.h"
#include "paging/pagetable.h"

#define POOL      600
#define POOL_PHYS 0x7000000UL

static u64 pool[POOL][PT_ENTRIES];
static uint used, available;
static struct pagetable pt;

int table_alloc(phys_t *phys)
{
	if (used >= available || used >= POOL)
		return -ENOMEM;
	memset(pool[used], 0, PAGE_SIZE);
	*phys = PHYS(POOL_PHYS + PAGE_SIZE * used++);
	return 0;
}

void *vmm_phys_to_virt(phys_t phys)
{
	u64 index = (phys.v - POOL_PHYS) / PAGE_SIZE;

	if (phys.v % PAGE_SIZE || index >= used)
		panic("0x%lx is the address of no table", phys.v);
	return pool[index];
}

/* new LEVELS MAX_LEAF TABLES */
static void new (void)
{
	used = 0;
	available = number(3);
	pt = (struct pagetable){
		.levels = number(1), .max_leaf = number(2), .nx = PTE_NX};
	answer("%d", table_alloc(&pt.root));
	pt.tables = 1;
}

/* room TABLES: so many may be made from now on */
static void room(void)
{
	available = used + number(1);
}

static void map(void)
{
	answer("%d",
	       pt_map(&pt, number(1), PHYS(number(2)), number(3), number(4)));
}

static void lookup(void)
{
	uint level = 0;
	u64 entry = pt_lookup(&pt, number(1), &level);

	answer("%lx %u %d", entry, level,
	       pt_lookup(&pt, number(1), NULL) == entry);
}

/* entry ADDRESS LEVEL [VALUE]: find it, and set it */
static void entry(void)
{
	u64 *found = pt_entry(&pt, number(1), number(2));

	if (found && *word(3))
		*found = number(3);
	answer("%d", found != NULL);
}

/* All entries that are not 0, as TABLE.INDEX=VALUE, and the counts. */
static void dump(void)
{
	answer("%u %u", used, pt.tables);
	for (uint t = 0; t < used; t++)
		for (uint i = 0; i < PT_ENTRIES; i++)
			if (pool[t][i])
				answer(" %u.%u=%lx", t, i, pool[t][i]);
}

const struct judge_command judge_commands[] = {
	{"new", new},     {"room", room}, {"map", map}, {"lookup", lookup},
	{"entry", entry}, {"dump", dump}, {},
};

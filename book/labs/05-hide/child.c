/*
 * The nested map, by commands, with the walk that the hardware does.
 */
#include "judge.h"

#include "lib/errno.h"
#include "vmm/test/nested_host.h"

#define LIMIT BIT(39)

static struct mtrr_state mtrr;
static struct nested_map map;

/* start NPT VMM_BASE VMM_SIZE */
static void start(void)
{
	memset(&mtrr, 0, sizeof(mtrr));
	mtrr.enabled = true;
	mtrr.default_type = CACHE_WB;
	mtrr.address_mask = LIMIT - 1;
	host_pages_left = -1;
	host_machine(4 * GIB, 3 * GIB, number(2), number(3));
	answer("%d", nested_map_build(&map, number(1) ? &npt_2m : &ept_1g,
				      &mtrr, LIMIT));
}

/* room N: so many pages can still be allocated */
static void room(void)
{
	host_pages_left = number(1);
}

/* touch ADDRESS WRITE: as the hardware; 0: that would be an exit */
static void touch(void)
{
	answer("%d", host_touch(&map, number(1), number(2)));
}

static void fault(void)
{
	answer("%d", nested_map_fault(&map, GPHYS(number(1)), number(2)));
}

/* look ADDRESS: page that is there, its entry without accessed and dirty, the
 * size of the leaf */
static void look(void)
{
	phys_t hpa = {0};
	u64 entry = 0, size = 0;
	int error = host_lookup(&map, GPHYS(number(1)), &hpa, &entry, &size);

	answer("%d %lx %lx %lx", error, hpa.v, host_fixed_bits(&map, entry),
	       size);
}

/* page ADDRESS: the bytes of the page that the guest sees there */
static void page(void)
{
	phys_t hpa = {0};

	if (host_lookup(&map, GPHYS(number(1)), &hpa, NULL, NULL))
		return;
	answer_bytes((void *)ALIGN_DOWN(hpa.v, PAGE_SIZE), PAGE_SIZE);
}

static void counts(void)
{
	answer("%u %u %lu %u %d", map.pages, map.hidden_tables,
	       (u64)map.hidden_writes, host_live_pages,
	       spin_is_locked(&map.lock));
}

static void retype(void)
{
	mtrr.default_type = number(1);
	answer("%d", nested_map_retype(&map, &mtrr));
}

const struct judge_command judge_commands[] = {
	{"start", start},   {"room", room},     {"touch", touch},
	{"fault", fault},   {"look", look},     {"page", page},
	{"counts", counts}, {"retype", retype}, {},
};

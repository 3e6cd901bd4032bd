/* See amdvi_unit.h. */
#include "amdvi_unit.h"

#include "console/printf.h"

#define RING 4096

struct amdvi_unit amdvi_unit;
static struct amdvi_unit *const u = &amdvi_unit;

static uint stopping; /* reads until the rings stop */

void amdvi_unit_reset(void)
{
	memset(u, 0, sizeof(*u));
	u->features = AMDVI_INVALIDATE_ALL;
	memset(u->stale_device, true, sizeof(u->stale_device));
	memset(u->stale_domain, true, sizeof(u->stale_domain));
	stopping = 0;
}

bool amdvi_unit_is_stale(void)
{
	return memchr(u->stale_device, true, sizeof(u->stale_device)) ||
	       u->stale_domain[1] || u->stale_domain[2];
}

static void tell(const char *what)
{
	size_t used = strlen(u->told);

	snprintf(u->told + used, sizeof(u->told) - used, "%s%s",
		 used ? " " : "", what);
}

static void forget_device(u16 bdf)
{
	u->stale_device[bdf] = false;
	u->devices++;
}

static void run_command(u64 first, u64 second)
{
	switch (first >> 60) {
	case 1: /* COMPLETION_WAIT, with a store, and no interrupt */
		assert_int_equal(first & 7, 1);
		*memory_word(first & 0x000ffffffffffff8UL) = second;
		if (u->devices == 0x10000) {
			tell("devices");
			u->devices = 0;
		}
		break;
	case 2: /* INVALIDATE_DEVTAB_ENTRY */
		assert_int_equal(first & ~(0xffffUL | 2UL << 60), 0);
		assert_int_equal(second, 0);
		forget_device(first);
		break;
	case 3: /* INVALIDATE_IOMMU_PAGES: all of a domain, entries too */
		assert_int_equal(first & ~(0xffffUL << 32 | 3UL << 60), 0);
		assert_int_equal(second, 0x7ffffffffffff003UL);
		assert_true((u16)(first >> 32) < ARRAY_SIZE(u->stale_domain));
		u->stale_domain[(u16)(first >> 32)] = false;
		tell("pages");
		break;
	case 8: /* INVALIDATE_IOMMU_ALL */
		assert_true(u->features & AMDVI_INVALIDATE_ALL);
		assert_int_equal(first, 8UL << 60);
		assert_int_equal(second, 0);
		memset(u->stale_device, false, sizeof(u->stale_device));
		memset(u->stale_domain, false, sizeof(u->stale_domain));
		tell("all");
		break;
	default:
		fail_msg("command 0x%lx 0x%lx", first, second);
	}
}

static void run_commands(void)
{
	while (u->status & AMDVI_RUN_COMMANDS && !u->deaf &&
	       u->command_head != u->command_tail) {
		u64 *entry = memory_word((u->commands & 0x000ffffffffff000UL) +
					 u->command_head);

		run_command(entry[0], entry[1]);
		u->command_head = (u->command_head + 16) % RING;
	}
}

/* The rings run where they and the unit are on, and do not stop at once. */
static void set_running(void)
{
	u64 run = 0;

	if (u->control & AMDVI_ON && u->control & AMDVI_EVENTS &&
	    !(u->status & AMDVI_OVERFLOW))
		run |= AMDVI_RUN_EVENTS;
	if (u->control & AMDVI_ON && u->control & AMDVI_COMMANDS)
		run |= AMDVI_RUN_COMMANDS;
	u->status |= run;
	if (u->status & ~run & (AMDVI_RUN_EVENTS | AMDVI_RUN_COMMANDS)) {
		stopping = u->slow;
		if (!stopping && !u->keeps_running)
			u->status &= run | AMDVI_OVERFLOW;
	}
}

static void write_control(u64 value)
{
	if (u->control & AMDVI_ON) /* it stays */
		assert_true(value & AMDVI_ON || u->may_stop);
	if (!(value & AMDVI_ON))
		tell("off");
	else if (value & AMDVI_EVENTS)
		tell("run");
	else
		tell("stop");
	/* All but what is known, and what the IVRS table may ask for. */
	assert_int_equal(value & ~(BIT(0) | BIT(1) | BIT(2) | BIT(8) | BIT(9) |
				   BIT(10) | BIT(11) | BIT(12)),
			 0);
	u->control = value;
	set_running();
}

static u64 read_status(void)
{
	u64 run = (u->control & AMDVI_EVENTS ? AMDVI_RUN_EVENTS : 0) |
		  (u->control & AMDVI_COMMANDS ? AMDVI_RUN_COMMANDS : 0);

	if (stopping && !--stopping && !u->keeps_running)
		u->status &= run | AMDVI_OVERFLOW;
	if (u->lazy)
		run_commands();
	return u->status;
}

/* Where a ring is, its head and its tail are for software while it stands. */
static void write_ring(u64 *reg, u64 value, u64 run)
{
	assert_false(u->status & run);
	*reg = value;
}

static void assert_inside(const struct iommu_unit *unit, uint at)
{
	assert_int_equal(at % 8, 0);
	assert_true(at + 8 <= unit->size);
}

u64 unit_read64(const struct iommu_unit *unit, uint at)
{
	assert_inside(unit, at);
	if (u->gone)
		return ~0UL;
	switch (at) {
	case 0x0018:
		return u->control;
	case 0x0030:
		return u->features;
	case 0x2020:
		return read_status();
	}
	fail_msg("a read at 0x%x", at);
	return 0;
}

static void write_command_tail(u64 value)
{
	assert_true(value % 16 == 0 && value < RING);
	u->command_tail = value;
	if (!(u->status & AMDVI_RUN_COMMANDS))
		return;
	assert_true(value != u->command_head); /* that is an empty ring */
	if (!u->lazy)
		run_commands();
}

void unit_write64(const struct iommu_unit *unit, uint at, u64 value)
{
	assert_inside(unit, at);
	switch (at) {
	case 0x0000:
		assert_int_equal(value & 0xfff, 511); /* all 65,536 */
		u->table = value;
		tell("table");
		return;
	case 0x0008:
		assert_int_equal(value >> 52, 0x080); /* 256 entries */
		write_ring(&u->commands, value, AMDVI_RUN_COMMANDS);
		tell("commands");
		return;
	case 0x0010:
		assert_int_equal(value >> 52, 0x080);
		write_ring(&u->events, value, AMDVI_RUN_EVENTS);
		tell("events");
		return;
	case 0x0018:
		write_control(value);
		return;
	case 0x0020:
	case 0x0028:
		u->exclusion[at / 8 % 2] = value;
		return;
	case 0x2000:
		write_ring(&u->command_head, value, AMDVI_RUN_COMMANDS);
		return;
	case 0x2008:
		write_command_tail(value);
		return;
	case 0x2010:
		assert_true(value % 16 == 0 && value < RING);
		u->event_head = value;
		return;
	case 0x2018:
		write_ring(&u->event_tail, value, AMDVI_RUN_EVENTS);
		return;
	case 0x2020: /* written 1, it is cleared */
		assert_int_equal(value, AMDVI_OVERFLOW);
		u->status &= ~value;
		return;
	}
	fail_msg("a write at 0x%x", at);
}

u32 unit_read32(const struct iommu_unit *unit, uint at)
{
	fail_msg("a read of 4 bytes at 0x%x", at);
	return 0;
}

void unit_write32(const struct iommu_unit *unit, uint at, u32 value)
{
	fail_msg("a write of 4 bytes at 0x%x", at);
}

uint amdvi_unit_access(u16 bdf, u64 address, u64 *to, uint *domain)
{
	u64 *entry = memory_word((u->table & 0x000ffffffffff000UL) + bdf * 32);
	uint rights = entry[0] >> 61 & 3;

	assert_true(u->control & AMDVI_ON);
	/* Else the table is read past the caches in which it may still be. */
	assert_true(u->control & AMDVI_COHERENT);
	assert_int_equal(entry[0] & 3, 3);
	assert_int_equal(entry[0] & ~(0x600ffffffffffe03UL), 0);
	/* A domain; messages for the system go by, for which IW must be there
	 * (erratum 63); no remote IOTLB, events not suppressed. */
	assert_int_equal(entry[1] & ~(0xffffUL | BIT(40)), 0);
	assert_true(entry[1] & BIT(40) && rights & MAY_WRITE);
	*domain = (u16)entry[1];
	/* Interrupts: the map is not valid. */
	assert_int_equal(entry[2], 0);
	assert_int_equal(entry[3], 0);
	return rights & walk_amdvi(entry[0] & 0x000ffffffffff000UL,
				   entry[0] >> 9 & 7, address, to);
}

void amdvi_unit_event(u64 first, u64 second)
{
	u64 next = (u->event_tail + 16) % RING;
	u64 *entry =
		memory_word((u->events & 0x000ffffffffff000UL) + u->event_tail);

	if (!(u->status & AMDVI_RUN_EVENTS))
		return;
	if (next == u->event_head) {
		u->status |= AMDVI_OVERFLOW;
		u->status &= ~AMDVI_RUN_EVENTS;
		return;
	}
	entry[1] = second;
	entry[0] = first;
	u->event_tail = next;
}

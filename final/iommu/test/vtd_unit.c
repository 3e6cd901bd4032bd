/* See vtd_unit.h. */
#include "vtd_unit.h"

#include "console/printf.h"

#define ONCE (VTD_SRTP | VTD_WBF | BIT(29) | BIT(24))

struct vtd_unit vtd_unit;
static struct vtd_unit *const u = &vtd_unit;

static uint next_record;    /* of faults */
static u64 contexts, iotlb; /* the registers that invalidate */

/* The command that goes on, and how long still. */
static u32 pending, pending_on;
static uint pending_reads;

void vtd_unit_reset(void)
{
	*u = (struct vtd_unit){
		.version = 0x10,
		.cap = VTD_CAP(0x220, 2, 48) | VTD_CAP_3 | VTD_CAP_4 |
		       VTD_CAP_2M | VTD_CAP_1G,
		.ecap = VTD_ECAP(0xf0) | VTD_ECAP_COHERENT | VTD_ECAP_QUEUE,
	};
	next_record = pending = contexts = iotlb = 0;
}

static void tell(const char *what)
{
	size_t used = strlen(u->told);

	snprintf(u->told + used, sizeof(u->told) - used, "%s%s",
		 used ? " " : "", what);
}

void wbinvd(void)
{
	tell("wbinvd");
	memory_flush_cache();
}

static const char *name_of(u32 bit)
{
	return bit == VTD_TE     ? "TE"
	       : bit == VTD_SRTP ? "SRTP"
	       : bit == VTD_EAFL ? "EAFL"
	       : bit == VTD_WBF  ? "WBF"
	       : bit == VTD_QIE  ? "QIE"
	       : bit == VTD_IRE  ? "IRE"
				 : "?";
}

/* The command is done: its effect, and its bit in the status. */
static void finish(void)
{
	u32 bit = pending;

	pending = 0;
	if (u->deaf & bit)
		return;
	if (bit == VTD_SRTP) {
		u->root = u->rtaddr;
		u->stale_contexts = u->stale_iotlb = true;
	}
	if (bit == VTD_WBF)
		memory_flush_buffer();
	if (bit == VTD_QIE && !pending_on)
		u->head = 0;
	if (pending_on && bit != VTD_WBF)
		u->status |= bit;
	else
		u->status &= ~bit;
}

/* One bit at a time, none while another is under way (11.4.4.1). */
static void write_command(u32 value)
{
	u32 bit = (value ^ u->status) & ~ONCE;
	char text[16];

	assert_int_equal(pending, 0);
	if (value & ONCE) {
		assert_int_equal(bit, 0);
		bit = value & ONCE;
	}
	assert_true(bit && !(bit & (bit - 1)));
	pending_on = value & bit;
	if (bit == VTD_TE) {
		/* Once on, it stays; and it knows nothing of old by then. */
		assert_true(pending_on || u->may_stop);
		assert_true(u->status & VTD_SRTP);
		assert_false(u->stale_contexts || u->stale_iotlb);
	}
	if (bit == VTD_QIE && !pending_on && !u->stuck)
		assert_int_equal(u->head, u->tail);
	if (bit == VTD_SRTP) {
		assert_int_equal(u->rtaddr % PAGE_SIZE, 0);
		/* Nor does the mode change while it translates. */
		if (u->status & VTD_TE && !(u->cap & VTD_CAP_ESRTPS))
			assert_int_equal(u->root & 0xc00, 0);
		u->status &= ~VTD_SRTP;
	}
	if (bit == VTD_WBF)
		u->status |= VTD_WBF;
	snprintf(text, sizeof(text), "%s%s", name_of(bit),
		 pending_on ? "" : "-");
	tell(text);
	pending = bit;
	pending_reads = u->slow;
	if (!pending_reads)
		finish();
}

static u32 read_status(void)
{
	if (pending && !--pending_reads)
		finish();
	return u->status;
}

/* Contexts first: an address that is forgotten before can be learnt again. */
static void forget_iotlb(void)
{
	tell("iotlb");
	assert_false(u->stale_contexts);
	u->stale_iotlb = false;
}

static void forget_contexts(void)
{
	tell("contexts");
	u->stale_contexts = false;
}

static bool has_registers(void)
{
	return u->version >> 4 < 6 && !(u->status & VTD_QIE);
}

static u64 invalidate_contexts(u64 value)
{
	assert_true(has_registers());
	assert_int_equal(value, 5UL << 61); /* ICC, all */
	if (u->no_contexts)
		return value;
	forget_contexts();
	return u->does_nothing ? 1UL << 61 : 1UL << 61 | 1UL << 59;
}

static u64 invalidate_iotlb(u64 value)
{
	assert_true(has_registers());
	assert_int_equal(value, 9UL << 60 | 3UL << 48); /* IVT, all, drained */
	if (u->no_iotlb)
		return value;
	forget_iotlb();
	return u->does_nothing ? 1UL << 60 : 1UL << 60 | 1UL << 57;
}

/* Do what is in the queue between head and tail (6.5.2). */
static void run_queue(void)
{
	assert_true(u->status & VTD_QIE);
	while (u->head != u->tail && !u->no_queue && !u->stuck) {
		u64 *entry = memory_word(u->queue + u->head);

		switch (entry[0] & 15) {
		case 1:
			assert_int_equal(entry[0], 0x11);
			assert_int_equal(entry[1], 0);
			forget_contexts();
			break;
		case 2:
			assert_int_equal(entry[0], 0xd2);
			assert_int_equal(entry[1], 0);
			forget_iotlb();
			break;
		case 5:
			assert_int_equal((u32)entry[0], 0x25);
			assert_int_equal(entry[1] % 4, 0);
			*(u32 *)memory_word(entry[1] & ~7UL) = entry[0] >> 32;
			tell("wait");
			break;
		default:
			fail_msg("entry 0x%lx 0x%lx", entry[0], entry[1]);
		}
		u->head = (u->head + 16) % PAGE_SIZE;
	}
}

static bool is_record(uint at, uint *record)
{
	uint first = (u->cap >> 24 & 0x3ff) * 16;

	*record = (at - first) / 16;
	return at >= first && *record <= (u->cap >> 40 & 0xff);
}

static u32 fault_status(void)
{
	u32 status = u->faults & ~BIT(1);

	for (uint i = 0; i < ARRAY_SIZE(u->record); i++)
		status |= u->record[i][1] >> 63 << 1;
	return status;
}

static void assert_inside(const struct iommu_unit *unit, uint at, uint size)
{
	assert_int_equal(at % size, 0);
	assert_true(at + size <= unit->size);
	u->reads++;
}

u32 unit_read32(const struct iommu_unit *unit, uint at)
{
	assert_inside(unit, at, 4);
	switch (at) {
	case 0x00:
		return u->version;
	case 0x1c:
		return read_status();
	case 0x34:
		return fault_status();
	case 0x64:
		return u->closed ? BIT(31) | BIT(0) : 0;
	case 0x80: /* at each look it has done one more */
		if (u->head != u->tail && !u->stuck)
			u->head = (u->head + 16) % PAGE_SIZE;
		return u->head;
	case 0x88:
		return u->tail;
	}
	fail_msg("a read of 4 bytes at 0x%x", at);
	return 0;
}

u64 unit_read64(const struct iommu_unit *unit, uint at)
{
	uint record;

	assert_inside(unit, at, 8);
	if (is_record(at, &record))
		return u->record[record][at / 8 % 2];
	if (at == (u->ecap >> 8 & 0x3ff) * 16 + 8)
		return iotlb;
	switch (at) {
	case 0x08:
		return u->cap;
	case 0x10:
		return u->ecap;
	case 0x20:
		return u->rtaddr;
	case 0x28:
		return contexts;
	}
	fail_msg("a read of 8 bytes at 0x%x", at);
	return 0;
}

void unit_write32(const struct iommu_unit *unit, uint at, u32 value)
{
	uint record;

	assert_inside(unit, at, 4);
	if (is_record(at, &record) && at % 16 == 12) {
		assert_int_equal(value, BIT(31)); /* written 1, it is cleared */
		u->record[record][1] &= ~BIT(63);
		return;
	}
	switch (at) {
	case 0x18:
		write_command(value);
		return;
	case 0x34:
		assert_int_equal(value & ~0x7dU, 0);
		u->faults &= ~value;
		return;
	case 0x38:
		u->fault_control = value;
		return;
	case 0x64:
		/* Not before translation closes it. */
		assert_int_equal(value, 0);
		assert_true(u->status & VTD_TE);
		tell("open");
		u->closed = u->keeps_closed;
		return;
	}
	fail_msg("a write of 4 bytes at 0x%x", at);
}

void unit_write64(const struct iommu_unit *unit, uint at, u64 value)
{
	assert_inside(unit, at, 8);
	if (at == (u->ecap >> 8 & 0x3ff) * 16 + 8) {
		iotlb = invalidate_iotlb(value);
		return;
	}
	switch (at) {
	case 0x20:
		u->rtaddr = value;
		return;
	case 0x28:
		contexts = invalidate_contexts(value);
		return;
	case 0x88:
		u->tail = value;
		if (value)
			run_queue();
		return;
	case 0x90:
		assert_false(u->status & VTD_QIE);
		assert_int_equal(value % PAGE_SIZE, 0); /* of 256 entries */
		u->queue = value;
		return;
	}
	fail_msg("a write of 8 bytes at 0x%x", at);
}

uint vtd_unit_access(u16 bdf, u64 address, u64 *to, uint *domain)
{
	u64 root, low, high;

	assert_true(u->status & VTD_TE);
	assert_int_equal(u->root >> 10 & 3, 0);
	root = memory_seen(u->root + (bdf >> 8) * 16);
	assert_int_equal(memory_seen(u->root + (bdf >> 8) * 16 + 8), 0);
	if (!(root & 1))
		return 0;
	assert_int_equal(root & 0xffe, 0);
	low = memory_seen((root & ~0xfffUL) + (bdf & 0xff) * 16);
	high = memory_seen((root & ~0xfffUL) + (bdf & 0xff) * 16 + 8);
	if (!(low & 1))
		return 0;
	/* Faults are recorded, and what a device has translated is blocked. */
	assert_int_equal(low & 0xffe, 0);
	assert_int_equal(high & ~0xffff07UL, 0);
	*domain = high >> 8;
	assert_true((high & 7) == 1 ? u->cap & VTD_CAP_3
				    : (high & 7) == 2 && u->cap & VTD_CAP_4);
	if (address >> ((u->cap >> 16 & 63) + 1))
		return 0;
	return walk_vtd(low & ~0xfffUL, (high & 7) + 2,
			u->cap & VTD_CAP_1G   ? 3
			: u->cap & VTD_CAP_2M ? 2
					      : 1,
			address, to);
}

void vtd_unit_fault(u16 bdf, u64 address, bool write, u8 reason)
{
	uint count = (u->cap >> 40 & 0xff) + 1;

	if (u->faults & VTD_OVERFLOW)
		return;
	if (u->record[next_record][1] >> 63) {
		u->faults |= VTD_OVERFLOW;
		return;
	}
	u->record[next_record][0] = address;
	u->record[next_record][1] =
		BIT(63) | (write ? 0 : BIT(62)) | (u64)reason << 32 | bdf;
	next_record = (next_record + 1) % count;
}

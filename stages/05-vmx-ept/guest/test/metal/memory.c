/*
 * What the BIOS says about memory: INT 15h E820, E801, 88h and INT 12h, printed
 * for the harness to read, and checked against each other.
 */
#include "guest/test/metal/guest.h"

#include "lib/string.h"

#define SMAP        0x534d4150
#define UNSUPPORTED 0x86

static struct real_regs e820(u32 signature, u32 size, u32 next)
{
	struct real_regs r = {
		.eax = 0xe820,
		.ebx = next,
		.ecx = size,
		.edx = signature,
		.edi = (u32)(u64)low_buffer,
		.esi = 0x12345678,
		.ebp = 0x9abcdef0,
	};

	memset(low_buffer, 0x5a, 64);
	bios_call(0x15, &r);
	return r;
}

static void refused(const char *what, struct real_regs r)
{
	bool good = r.flags & FLAGS_CF && (r.eax >> 8 & 0xff) == UNSUPPORTED;

	check(good, "E820 with %s: EAX 0x%x, flags 0x%x", what, r.eax, r.flags);
	check(low_buffer[0] == 0x5a, "E820 with %s wrote something", what);
	if (good)
		say("e820 with %s: refused", what);
}

static void check_e820(uint count)
{
	struct real_regs r = e820(SMAP, 24, 0);

	check(!(r.flags & FLAGS_CF) && r.eax == SMAP && r.ecx == 20,
	      "E820 with 24 bytes: EAX 0x%x ECX %u flags 0x%x", r.eax, r.ecx,
	      r.flags);
	check(low_buffer[20] == 0x5a, "E820 wrote more than it said");
	check(r.edi == (u64)low_buffer && r.esi == 0x12345678 &&
		      r.ebp == 0x9abcdef0,
	      "E820 changed ESI 0x%x EDI 0x%x EBP 0x%x", r.esi, r.edi, r.ebp);
	refused("bad signature", e820(0x50414d53, 20, 0));
	/* Not every BIOS is so careful as the one of QEMU. */
	if (!below())
		return;
	refused("size 19", e820(SMAP, 19, 0));
	refused("ebx past the end", e820(SMAP, 20, count));
	refused("ebx far past the end", e820(SMAP, 20, 0x10000));
}

/* End of the RAM without a hole from @start on. */
static u64 ram_end(const struct e820 *map, uint count, u64 start)
{
	for (uint i = 0; i < count; i++)
		if (map[i].type == 1 && map[i].base <= start &&
		    map[i].base + map[i].size > start)
			start = map[i].base + map[i].size;
	return start;
}

static void check_order(const struct e820 *map, uint count)
{
	for (uint i = 0; i < count; i++) {
		say("e820 %016lx %016lx %u", map[i].base, map[i].size,
		    map[i].type);
		check(map[i].size, "entry %u has size 0", i);
		check(!i || map[i].base >= map[i - 1].base + map[i - 1].size,
		      "entry %u overlaps or is out of order", i);
	}
}

static void check_e801(u16 function, u64 end)
{
	struct real_regs r = {.eax = function};
	uint low = (MIN(end, 16 * MIB) - MIB) / KIB;
	uint high = end > 16 * MIB ? (end - 16 * MIB) / (64 * KIB) : 0;

	bios_call(0x15, &r);
	say("%x ax %u bx %u cx %u dx %u flags %u", function, r.eax & 0xffff,
	    r.ebx & 0xffff, r.ecx & 0xffff, r.edx & 0xffff, r.flags & FLAGS_CF);
	/* A BIOS itself may count what it keeps at the top. */
	if (!below())
		return;
	check(!(r.flags & FLAGS_CF) && (u16)r.eax == low && (u16)r.ecx == low &&
		      (u16)r.ebx == high && (u16)r.edx == high,
	      "%x: not as E820 says: %u KiB, %u blocks", function, low, high);
}

static void check_88(u64 end)
{
	struct real_regs r = {.eax = 0x8800};
	uint kib = (MIN(end, 64 * MIB) - MIB) / KIB;

	bios_call(0x15, &r);
	say("88 ax %u flags %u", r.eax & 0xffff, r.flags & FLAGS_CF);
	if (below())
		check(!(r.flags & FLAGS_CF) && (u16)r.eax == kib,
		      "88: not as E820 says: %u KiB", kib);
}

static void check_12(const struct e820 *map, uint count)
{
	struct real_regs r = {0};
	u64 end = ram_end(map, count, 0);

	bios_call(0x12, &r);
	say("12 ax %u", r.eax & 0xffff);
	check(!below() || (r.eax & 0xffff) * KIB == end,
	      "INT 12h and E820 (0x%lx) disagree", end);
	check(bda_word(0x413) == (r.eax & 0xffff),
	      "INT 12h is not what the BIOS data area says");
}

/* What Vellum does not answer must still reach the BIOS. */
static void check_passed_on(void)
{
	struct real_regs r = {.eax = 0xc000};

	bios_call(0x15, &r);
	check(!(r.flags & FLAGS_CF) && !(r.eax & 0xff00),
	      "INT 15h AH=C0 (configuration): EAX 0x%x flags 0x%x", r.eax,
	      r.flags);
}

GUEST_TEST(memory)
{
	const struct e820 *map;
	uint count = e820_map(&map);
	u64 base, size, end = ram_end(map, count, MIB);

	check_order(map, count);
	check_e820(count);
	check_e801(0xe801, end);
	if (below())
		check_e801(0xe881, end);
	check_88(end);
	check_12(map, count);
	check_passed_on();
	if (find_hidden(&base, &size))
		say("hidden %lx %lx", base, size);
	else
		check(!below(), "no reserved range can be Vellum's");
}

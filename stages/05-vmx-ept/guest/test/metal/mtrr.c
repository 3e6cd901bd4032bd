/*
 * Changes a variable MTRR as an operating system does (SDM 3A 12.11.8), twice,
 * and puts it back. Vellum's nested tables must follow, once for each change:
 * nothing of it can be seen from here but a line in Vellum's log, where we may
 * read that.
 * Memory must stay what it was.
 */
#include "guest/test/metal/guest.h"

#define REGION           (16 * MIB)
#define REGION_SIZE      (2 * MIB)
#define MASK_VALID       BIT(11)
#define DEF_ENABLE       BIT(11)
#define CPUID_1_EDX_MTRR BIT(12)

static void flush(void)
{
	asm volatile("wbinvd" : : : "memory");
	write_cr3(read_cr3());
}

static uint followed;

/* How often did Vellum rebuild its tables? -1: it does not say. */
static int rebuilds(void)
{
	return below() == BELOW_NATIVE
		       ? -1
		       : count_in_log("vmm: nested page tables follow");
}

/* Steps 2 to 11 of the manual, around the change of one register pair. */
static void dance(uint n, u64 base, u64 mask)
{
	u64 cr0 = read_cr0(), cr4 = read_cr4(), def;

	write_cr0((cr0 | CR0_CD) & ~CR0_NW);
	write_cr4(cr4 & ~CR4_PGE);
	flush();
	def = rdmsr(MSR_MTRR_DEF_TYPE);
	wrmsr(MSR_MTRR_DEF_TYPE, def & ~DEF_ENABLE);
	wrmsr(MSR_MTRR_PHYSBASE0 + 2 * n, base);
	wrmsr(MSR_MTRR_PHYSBASE0 + 2 * n + 1, mask);
	wrmsr(MSR_MTRR_DEF_TYPE, def | DEF_ENABLE);
	flush();
	write_cr0(cr0);
	write_cr4(cr4);
}

/* Change a register pair; the tables must follow at the end, and only then. */
static void set_variable(uint n, u64 base, u64 mask)
{
	int before = rebuilds();

	dance(n, base, mask);
	if (before < 0)
		return;
	if (check(rebuilds() == before + 1,
		  "0x%lx 0x%lx: the tables were rebuilt %d times", base, mask,
		  rebuilds() - before))
		followed++;
}

static void fill(volatile u64 *memory, u64 seed)
{
	for (uint i = 0; i < REGION_SIZE / 8; i += 64)
		memory[i] = seed + i;
}

static bool holds(volatile u64 *memory, u64 seed)
{
	for (uint i = 0; i < REGION_SIZE / 8; i += 64)
		if (memory[i] != seed + i)
			return false;
	return true;
}

static void change(uint n, u64 type, u64 address_bits)
{
	volatile u64 *memory = (u64 *)REGION;
	u64 base = REGION | type;
	u64 mask = (address_bits & ~(REGION_SIZE - 1)) | MASK_VALID;
	u64 msr = MSR_MTRR_PHYSBASE0 + 2 * n;

	fill(memory, type << 32);
	set_variable(n, base, mask);
	check(rdmsr(msr) == base && rdmsr(msr + 1) == mask,
	      "type %lu: reads back 0x%lx 0x%lx", type, rdmsr(msr),
	      rdmsr(msr + 1));
	check(holds(memory, type << 32), "type %lu: memory changed", type);
	fill(memory, ~type << 32);
	check(holds(memory, ~type << 32), "type %lu: memory is no memory",
	      type);
}

/* The last register whose valid bit is clear, or -1. */
static int find_unused(void)
{
	for (int n = (int)(rdmsr(MSR_MTRRCAP) & 0xff) - 1; n >= 0; n--)
		if (!(rdmsr(MSR_MTRR_PHYSBASE0 + 2 * n + 1) & MASK_VALID))
			return n;
	return -1;
}

GUEST_TEST(mtrr)
{
	u64 bits = BIT(cpuid(0x80000008, 0).eax & 0xff) - 1, base, mask;
	int n;

	if (!(cpuid(1, 0).edx & CPUID_1_EDX_MTRR)) {
		say("this CPU has no MTRRs");
		return;
	}
	n = find_unused();
	if (!check(n >= 0, "no variable MTRR is free"))
		return;
	base = rdmsr(MSR_MTRR_PHYSBASE0 + 2 * n);
	mask = rdmsr(MSR_MTRR_PHYSBASE0 + 2 * n + 1);
	change(n, 0, bits); /* uncached */
	change(n, 4, bits); /* write-through */
	set_variable(n, base, mask);
	check(holds((u64 *)REGION, ~4UL << 32), "memory changed at the end");
	say("changed variable MTRR %d twice", n);
	if (followed)
		say("the nested tables followed %u times", followed);
}

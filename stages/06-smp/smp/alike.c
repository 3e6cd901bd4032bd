/*
 * Are all CPUs alike? A guest looks at one and expects the same of all, and so
 * does Vellum. They can differ: a firmware that sets a feature on one only,
 * different microcode, or two kinds of core in one package.
 */
#include "console/printf.h"
#include "lib/cpu.h"
#include "smp/start.h"

/* Features, and nothing that tells who or where a CPU is, or what its
 * operating system has switched on (OSXSAVE, OSPKE, bits that follow MSRs). */
static const struct leaf {
	u32 leaf, subleaf;
	struct cpuid_regs mask;
} leaves[] = {
	{0x1, 0, {.eax = ~0U, .ecx = ~(u32)BIT(27), .edx = ~(u32)BIT(9)}},
	{0x7, 0, {.ebx = ~0U, .ecx = ~(u32)BIT(4), .edx = ~0U}},
	{0xd, 0, {.eax = ~0U, .ecx = ~0U, .edx = ~0U}},
	{0xd, 1, {.eax = ~0U}},
	{0x80000001, 0, {.ecx = ~0U, .edx = ~0U}},
	{0x80000008, 0, {.eax = ~0U}},
	{0x8000000a, 0, {.eax = ~0U, .ebx = ~0U, .edx = ~0U}},
};

static struct cpuid_regs first[ARRAY_SIZE(leaves)];

static struct cpuid_regs read_leaf(const struct leaf *l)
{
	struct cpuid_regs r = {0};

	if (cpuid(l->leaf & 0x80000000, 0).eax < l->leaf)
		return r;
	r = cpuid(l->leaf, l->subleaf);
	r.eax &= l->mask.eax;
	r.ebx &= l->mask.ebx;
	r.ecx &= l->mask.ecx;
	r.edx &= l->mask.edx;
	return r;
}

void smp_note_features(void)
{
	for (uint i = 0; i < ARRAY_SIZE(leaves); i++)
		first[i] = read_leaf(&leaves[i]);
}

void smp_compare_features(void)
{
	for (uint i = 0; i < ARRAY_SIZE(leaves); i++) {
		struct cpuid_regs a = first[i], b = read_leaf(&leaves[i]);

		if (a.eax == b.eax && a.ebx == b.ebx && a.ecx == b.ecx &&
		    a.edx == b.edx)
			continue;
		printf("smp: CPU %u differs from CPU 0 in CPUID 0x%x: "
		       "%x %x %x %x, not %x %x %x %x\n",
		       *this_cpu(cpu_number), leaves[i].leaf, b.eax, b.ebx,
		       b.ecx, b.edx, a.eax, a.ebx, a.ecx, a.edx);
	}
}

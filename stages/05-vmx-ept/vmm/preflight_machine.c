/*
 * The parts of the preflight check that are the same for both vendors: the
 * CPUs, how memory is cached, and memory itself.
 */
#include "boot/boot_info.h"
#include "boot/memmap.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/string.h"
#include "paging/range.h"
#include "vmm/cpuid.h"
#include "vmm/launch.h"
#include "vmm/mtrr.h"
#include "vmm/preflight.h"
#include "vmm/vcpu.h"

/* CPUID leaves 0 and 0x80000002 to 4 (SDM 2A CPUID). */
static void check_cpu(void)
{
	struct cpuid_regs r = cpuid(0, 0);
	char vendor[13] = "", model[49] = "";
	const char *name = model;
	uint n = vmm_cpu_count();

	memcpy(vendor, &r.ebx, 4);
	memcpy(vendor + 4, &r.edx, 4);
	memcpy(vendor + 8, &r.ecx, 4);
	if (cpuid(0x80000000, 0).eax >= 0x80000004)
		for (u32 i = 0; i < 3; i++) {
			r = cpuid(0x80000002 + i, 0);
			memcpy(model + 16 * i, &r, 16);
		}
	while (*name == ' ')
		name++;
	preflight_tell("%s, %s, signature 0x%x", vendor, name, cpuid(1, 0).eax);
	preflight_tell("CPUID tells of %u CPU%s", n, n == 1 ? "" : "s");
}

PREFLIGHT(10, "CPU", check_cpu);

/* Leaf 0x40000000 spells the name of the hypervisor whose guest we are in EBX,
 * ECX, EDX, by convention. Empty: we are nobody's. */
static void read_hypervisor(char name[13])
{
	struct cpuid_regs r = cpuid(CPUID_HYPERVISOR, 0);

	memset(name, 0, 13);
	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR))
		return;
	memcpy(name, &r.ebx, 4);
	memcpy(name + 4, &r.ecx, 4);
	memcpy(name + 8, &r.edx, 4);
}

static bool has_extension(void)
{
	return cpuid(1, 0).ecx & BIT(5) || cpuid(0x80000001, 0).ecx & BIT(2);
}

static void check_virtualisation(void)
{
	struct need need = {.name = "VMX or SVM"};
	char below[13], problem[128];

	read_hypervisor(below);
	if (!strcmp(below, "VellumVellum")) {
		need.problem = "Vellum is running already, and this is its "
			       "guest: start your own system, not Vellum";
	} else if (below[0] && !has_extension()) {
		snprintf(problem, sizeof(problem),
			 "this is a virtual machine (of %s) without nested "
			 "virtualisation: its host must switch that on",
			 below);
		need.problem = problem;
	} else if (vmx_ops.preflight() || svm_ops.preflight()) {
		return;
	} else {
		need.problem = "this CPU has neither VMX nor SVM (CPUID shows "
			       "no virtualisation extension)";
	}
	preflight_need(&need);
}

PREFLIGHT(20, "virtualisation", check_virtualisation);

static const char *cache_name(uint type)
{
	static const char *const names[] = {
		[CACHE_UC] = "uncached",      [CACHE_WC] = "write-combining",
		[CACHE_WT] = "write-through", [CACHE_WP] = "write-protected",
		[CACHE_WB] = "write-back",
	};

	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "?";
}

static void check_mtrrs(void)
{
	static struct mtrr_state mtrr; /* too large for the stack */
	u64 first, last;

	mtrr_read(&mtrr);
	if (!(cpuid(1, 0).edx & CPUID_1_EDX_MTRR)) {
		preflight_tell("none: all memory is write-back");
		return;
	}
	preflight_tell("%u variable ones, %s; the fixed ones are %s; all else "
		       "is %s",
		       mtrr.variable_count, mtrr.enabled ? "on" : "off",
		       mtrr.fixed_enabled ? "on" : "off",
		       cache_name(mtrr.default_type));
	for (uint i = 0; i < mtrr.variable_count; i++) {
		if (!mtrr_variable_range(&mtrr, i, &first, &last))
			continue;
		preflight_tell("%2u: 0x%012lx-0x%012lx %s", i, first, last,
			       cache_name(mtrr.variable[i].base & 0xff));
	}
}

PREFLIGHT(30, "memory types (MTRRs)", check_mtrrs);

static void check_memory(void)
{
	u64 size = ALIGN_UP(VMMSIZE_ALL, RANGE_ALIGN), found = 0;
	struct need need = {.name = "memory for Vellum"};
	phys_t base = boot_info.vmm_base;
	char problem[96];
	int error = 0;

	if (boot_info.range_from_loader)
		size = boot_info.vmm_size;
	else
		error = range_choose(&boot_info.map, &boot_info.module, size,
				     &base, &found);
	preflight_tell("%lu MiB of RAM in all; Vellum needs %lu MiB in one "
		       "piece below 4 GiB",
		       mem_map_ram(&boot_info.map) / MIB, size / MIB);
	if (error) {
		snprintf(problem, sizeof(problem),
			 "the largest piece, aligned to 4 MiB, has %lu MiB: "
			 "add memory",
			 found / MIB);
		need.problem = problem;
	} else {
		preflight_tell("Vellum's range: 0x%08lx-0x%08lx", base.v,
			       base.v + size - 1);
	}
	preflight_need(&need);
}

PREFLIGHT(40, "memory", check_memory);

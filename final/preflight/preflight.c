/*
 * The preflight check: can this machine run Vellum? It is made at each start,
 * before Vellum takes memory for itself, so that a machine with too little of
 * it gets an answer like any other. The word `check` on the command line asks
 * for all that it finds, and nothing is launched then.
 *
 * What the stages need they say themselves (vmx_need(), svm_need(),
 * guest_bios_problem(), range_choose()), so that check and start agree.
 * Book: chapter 8.
 */
#include "preflight/preflight.h"

#include "boot/boot_info.h"
#include "boot/settings.h"
#include "boot/memmap.h"
#include "console/printf.h"
#include "guest/bios.h"
#include "iommu/iommu.h"
#include "lib/cpu.h"
#include "lib/string.h"
#include "paging/range.h"
#include "smp/cpus.h"
#include "svm/caps.h"
#include "vmm/acpi.h"
#include "vmm/cpuid.h"
#include "vmm/launch.h"
#include "vmm/mtrr.h"
#include "vmm/vcpu.h"
#include "vmx/caps.h"

#define CPUS_SHOWN 1024 /* that are counted here */

SETTING(check_setting, .name = "check", .holds_back = true,
	.help = "can this machine run Vellum? Look, and launch nothing");

static bool asked;
static uint reasons;
static char first_reason[160];

/* Print @need as a line: ok, NO and why, or "-" when it is moot. Each NO counts
 * as a reason why this machine can't run Vellum. */
static void report_need(const struct need *need)
{
	const char *mark = need->moot ? "- " : need->problem ? "NO" : "ok";
	const char *problem = need->moot ? NULL : need->problem;

	if (problem && !reasons++)
		snprintf(first_reason, sizeof(first_reason), "%s", problem);
	if (asked)
		printf("  %s  %s%s%s\n", mark, need->name, problem ? ": " : "",
		       problem ? problem : "");
}

/* Print a line of information, which does not count. */
static __attribute__((format(printf, 1, 2))) void report_fact(
	const char *format, ...)
{
	va_list args;

	if (!asked)
		return;
	printf("      ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

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
	report_fact("%s, %s, signature 0x%x", vendor, name, cpuid(1, 0).eax);
	report_fact("CPUID tells of %u CPU%s", n, n == 1 ? "" : "s");
}

static void check_firmware(void)
{
	struct need need = {.name = "a BIOS to go back to"};

	if (boot_info.firmware != BOOT_BIOS)
		return;
	need.problem = guest_bios_problem();
	report_need(&need);
}

/* None of it is in the way: Vellum runs on the CPUs that it finds. */
static void check_cpus(void)
{
	static struct madt_cpu cpus[CPUS_SHOWN]; /* there is no heap yet */
	struct acpi_root root;
	struct acpi_table madt;
	uint found = 0, count = 0, large = 0;
	int error = acpi_machine_root(&root);

	if (!error)
		error = acpi_find(acpi_map, &root, "APIC", &madt);
	if (error) {
		report_fact("no list of CPUs (ACPI's MADT): Vellum asks the "
			    "hardware who is there");
		return;
	}
	error = madt_read(&madt, cpus, CPUS_SHOWN, &found);
	for (uint i = 0; i < found; i++) {
		count += cpus[i].enabled;
		large += cpus[i].enabled && cpus[i].apic_id >= 0xff;
	}
	report_fact("%s%u CPU%s in ACPI's MADT%s", error ? "at least " : "",
		    count, count == 1 ? "" : "s",
		    error ? ", which is damaged or too long" : "");
	if (large)
		report_fact("%u of them need x2APIC mode: the firmware must "
			    "have switched it on",
			    large);
}

static void tell_feature_control(u64 value)
{
	const char *meaning = "unlocked: Vellum switches VMX on and locks it";

	if (value & FEATURE_LOCKED)
		meaning = value & FEATURE_VMX ? "locked, with VMX on"
					      : "locked, with VMX off";
	report_fact("IA32_FEATURE_CONTROL is 0x%lx: %s", value, meaning);
}

static void tell_ept(const struct vmx_caps *caps)
{
	if (!caps->ept_vpid)
		return;
	report_fact("EPT pages: 4 KiB%s%s; tagged TLB (VPID): %s",
		    caps->ept_vpid & EPT_CAP_2M ? ", 2 MiB" : "",
		    caps->ept_vpid & EPT_CAP_1G ? ", 1 GiB" : "",
		    vmx_can_flush_vpid(caps) ? "yes" : "no");
}

/* All that vmx_need() names; false, with nothing said, where the CPU is another
 * vendor's. */
static bool check_vmx(void)
{
	struct vmx_caps caps;
	struct need need;

	if (!CONFIG_VMX)
		return false;
	vmx_read_caps(&caps);
	if (!caps.vmx && !caps.intel)
		return false;
	if (caps.vmx) {
		report_fact("Intel VMX, revision 0x%lx; %u bits of physical "
			    "address",
			    caps.basic & BASIC_REVISION, caps.physical_bits);
		tell_feature_control(caps.feature_control);
		tell_ept(&caps);
	}
	for (uint i = 0; vmx_need(&caps, i, &need); i++)
		report_need(&need);
	return true;
}

static void tell_svm(const struct svm_caps *caps)
{
	report_fact("AMD SVM, revision %u; %u address space identifiers; "
		    "%u bits of physical address",
		    cpuid(0x8000000a, 0).eax & 0xff, caps->asids,
		    cpuid(0x80000008, 0).eax & 0xff);
	if (caps->vm_cr_valid)
		report_fact("VM_CR is 0x%lx: SVM is %s%s", caps->vm_cr,
			    caps->vm_cr & VM_CR_SVMDIS ? "off" : "on",
			    caps->vm_cr & VM_CR_LOCK ? ", locked" : "");
	if (caps->features & SVM_FEATURE_NPT)
		report_fact("NPT pages: 4 KiB, 2 MiB%s; next RIP saved: %s",
			    svm_has_1g_pages() ? ", 1 GiB" : "",
			    caps->features & SVM_FEATURE_NRIPS ? "yes" : "no");
}

/* The same of svm_need(). */
static bool check_svm(void)
{
	struct svm_caps caps;
	struct need need;

	if (!CONFIG_SVM)
		return false;
	svm_read_caps(&caps);
	if (!caps.svm && !caps.amd)
		return false;
	if (caps.svm)
		tell_svm(&caps);
	for (uint i = 0; svm_need(&caps, i, &need); i++)
		report_need(&need);
	return true;
}

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
	} else if (check_vmx() || check_svm()) {
		return;
	} else {
		need.problem = VMM_NO_BACK_END;
	}
	report_need(&need);
}

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
		report_fact("none: all memory is write-back");
		return;
	}
	report_fact("%u variable ones, %s; the fixed ones are %s; all else "
		    "is %s",
		    mtrr.variable_count, mtrr.enabled ? "on" : "off",
		    mtrr.fixed_enabled ? "on" : "off",
		    cache_name(mtrr.default_type));
	for (uint i = 0; i < mtrr.variable_count; i++) {
		if (!mtrr_variable_range(&mtrr, i, &first, &last))
			continue;
		report_fact("%2u: 0x%012lx-0x%012lx %s", i, first, last,
			    cache_name(mtrr.variable[i].base & 0xff));
	}
}

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
	report_fact("%lu MiB of RAM in all; Vellum needs %lu MiB in one "
		    "piece below 4 GiB",
		    mem_map_ram(&boot_info.map) / MIB, size / MIB);
	if (error) {
		snprintf(problem, sizeof(problem),
			 "the largest piece, aligned to 4 MiB, has %lu MiB: "
			 "add memory",
			 found / MIB);
		need.problem = problem;
	} else {
		report_fact("Vellum's range: 0x%08lx-0x%08lx", base.v,
			    base.v + size - 1);
	}
	report_need(&need);
}

static void check_iommu(void)
{
	struct need need;
	char text[128];

	if (!CONFIG_IOMMU) {
		report_fact("this build leaves it to the guest");
		return;
	}
	iommu_need(&need, text, sizeof(text));
	report_fact("%s", text);
	if (!need.moot)
		report_need(&need);
}

static const struct {
	const char *title;
	void (*check)(void);
} parts[] = {
	{"CPU", check_cpu},
	{"firmware", check_firmware},
	{"CPUs (ACPI)", check_cpus},
	{"virtualisation", check_virtualisation},
	{"memory types (MTRRs)", check_mtrrs},
	{"memory", check_memory},
	{"IOMMU", check_iommu},
};

static void print_verdict(void)
{
	if (reasons)
		printf("preflight: this machine cannot run Vellum: %u "
		       "reason%s\n",
		       reasons, reasons == 1 ? "" : "s");
	else
		printf("preflight: this machine can run Vellum\n");
}

/* That is no panic: nothing is broken. */
static const char *refuse_to_start(void)
{
	printf("vellum: %s\n", first_reason);
	if (reasons > 1)
		printf("vellum: there are %u reasons more; the word `check` "
		       "shows them\n",
		       reasons - 1);
	return "no guest without protection";
}

bool preflight_asked(void)
{
	return asked;
}

const char *preflight(const char *wrong)
{
	asked = setting_flag(&check_setting);
	if (!asked && wrong)
		return wrong;
	if (!CONFIG_PREFLIGHT)
		return asked ? "this build has no preflight check" : NULL;
	for (uint i = 0; i < ARRAY_SIZE(parts); i++) {
		if (asked)
			printf("preflight: %s\n", parts[i].title);
		parts[i].check();
	}
	if (asked) {
		print_verdict();
		return "preflight done";
	}
	return reasons ? refuse_to_start() : NULL;
}

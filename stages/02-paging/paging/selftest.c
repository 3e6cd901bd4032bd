/*
 * What TEST=1 builds add: the rights in our address space as the hardware sees
 * them, tried part by part, under guarded(), so that a failure is a line on the
 * console and not a crash; and faults on demand, which are meant to be one.
 */
#ifdef VELLUM_TEST

#include "boot/boot_info.h"
#include "boot/settings.h"
#include "boot/layout.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "paging/address.h"
#include "paging/guarded.h"
#include "paging/paging.h"
#include "paging/pagetable.h"

#define IO_APIC       0xfec00000 /* a device page that nobody maps */
#define NOT_MAPPED    0x1000
#define NOT_CANONICAL 0x8000000000000000

static uint failures;

#define CHECK(expr) check(expr, #expr, __LINE__)

static void check(bool ok, const char *what, int line)
{
	if (ok)
		return;
	failures++;
	printf("selftest: paging: FAILED: %s, line %d\n", what, line);
}

static void do_read(void *p)
{
	(void)*(volatile u8 *)p;
}

static void do_write(void *p)
{
	volatile u8 *byte = p;

	*byte = *byte;
}

static void do_execute(void *p)
{
	((void (*)(void))p)();
}

static void do_ud(void *arg)
{
	asm volatile("ud2");
}

static void do_div(void *arg)
{
	asm volatile("div %0" : : "r"(0), "a"(1), "d"(0) : "cc");
}

/* Ends with -EFAULT inside; the outer guarded() must not notice. */
static void do_nested(void *arg)
{
	*(int *)arg = guarded(do_ud, NULL, NULL);
}

/* The vector that @fn(@arg) raises, or -1. */
static int raises(void (*fn)(void *), void *arg)
{
	uint vector;

	return guarded(fn, arg, &vector) ? (int)vector : -1;
}

static bool readable(const void *p)
{
	return raises(do_read, (void *)p) < 0;
}

/* A read is fine, a write faults. */
static bool read_only(const void *p)
{
	return readable(p) && raises(do_write, (void *)p) == VECTOR_PF;
}

static bool writable(void *p)
{
	return raises(do_write, p) < 0;
}

static bool not_mapped(const void *p)
{
	return raises(do_read, (void *)p) == VECTOR_PF;
}

/* @p holds a RET; without NX in the CPU there is nothing to check. */
static bool not_executable(void *p)
{
	return !(rdmsr(MSR_EFER) & EFER_NXE) ||
	       raises(do_execute, p) == VECTOR_PF;
}

/* Not inlined, or GCC warns that it sees no array before the symbol @end. */
static char *__attribute__((noinline)) last_byte(char *end)
{
	return end - 1;
}

static void test_rights(void)
{
	static const u8 ret_in_rodata[] = {0xc3};
	static u8 ret_in_data[] = {0xc3};
	u8 ret_on_stack[] = {0xc3};
	char *end = (char *)VMM_VIRT + boot_info.vmm_size;

	CHECK(read_only(text_start) && read_only(last_byte(text_end)));
	CHECK(read_only(rodata_start) && read_only(last_byte(rodata_end)));
	CHECK(not_executable((void *)ret_in_rodata));
	CHECK(writable(ret_in_data) && not_executable(ret_in_data));
	CHECK(writable(data_start) && writable(last_byte(data_end)));
	CHECK(writable(ret_on_stack) && not_executable(ret_on_stack));
	CHECK(writable(end - 1) && not_executable(end - 1));
	CHECK(not_mapped(end));
	CHECK(not_mapped(NULL) && not_mapped((void *)VMM_LOAD));
	CHECK(not_mapped(stack_guard) && not_mapped(stack_guard + 4095));
	CHECK(writable(stack_bottom));
	CHECK(paging_is_guard((u64)stack_guard + 8));
	CHECK(!paging_is_guard((u64)stack_bottom) && !paging_is_guard(0));
}

static void test_direct_map(void)
{
	phys_t own = boot_info.vmm_base;
	phys_t last = PHYS(own.v + boot_info.vmm_size - 1);

	CHECK(not_mapped(phys_to_direct(own)));
	CHECK(not_mapped(phys_to_direct(last)));
	CHECK(not_mapped(phys_to_direct(PHYS(own.v + boot_info.vmm_size / 2))));
	CHECK(writable(phys_to_direct(PHYS(own.v - 1))));
	CHECK(not_executable(phys_to_direct(PHYS(own.v - 1))));
	CHECK(writable(phys_to_direct(PHYS(0x9f000))));
	CHECK(read_only(phys_to_direct(PHYS(0xf0000))));
	CHECK(not_mapped(phys_to_direct(PHYS(0xffffe000UL))));
	CHECK(virt_to_phys(phys_to_direct(PHYS(MIB))).v == MIB);
}

static void test_addresses(void)
{
	phys_t own = boot_info.vmm_base;
	u64 size = boot_info.vmm_size;
	phys_t here = virt_to_phys(&failures);

	CHECK(own.v % (4 * MIB) == 0 && own.v + size <= 4 * GIB);
	CHECK(virt_to_phys((void *)VMM_VIRT).v == own.v);
	CHECK(in_vmm_range(here, 1) && vmm_phys_to_virt(here) == &failures);
	CHECK(in_vmm_range(own, size) && !in_vmm_range(own, size + 1));
	CHECK(!in_vmm_range(PHYS(own.v - 1), 1));
	CHECK(!in_vmm_range(PHYS(own.v + size), 0));
	CHECK(!in_vmm_range(own, ~0UL));
	CHECK((read_cr3() & PTE_ADDRESS) == paging_root().v);
	CHECK(in_vmm_range(paging_root(), PAGE_SIZE));
}

/* The entry that maps @virt, as the CPU finds it. */
static u64 entry_of(u64 virt)
{
	const struct pagetable tables = {
		.root = PHYS(read_cr3() & PTE_ADDRESS),
		.levels = read_cr4() & CR4_LA57 ? 5 : 4,
	};

	return pt_lookup(&tables, virt, NULL);
}

static void test_map_phys(void)
{
	u64 own = boot_info.vmm_base.v, limit = paging_phys_limit();
	phys_t apic = PHYS(IO_APIC);
	volatile u32 *reg = map_phys(PHYS(apic.v + 16), 4, MAP_DEVICE);
	u64 entry = entry_of((u64)reg);

	CHECK(reg && *reg != ~0U); /* as an absent device would read */
	CHECK((entry & PTE_PCD) && !(entry & PTE_W));
	CHECK((entry & PTE_ADDRESS) == apic.v);
	CHECK(map_phys(PHYS(apic.v + 16), 4, MAP_DEVICE) == reg);
	CHECK(map_phys(PHYS(apic.v + 16), 4, MAP_READ) == reg);
	CHECK(!map_phys(apic, 4, MAP_DEVICE | MAP_WRITE));
	CHECK(!map_phys(PHYS(own), 4, MAP_READ));
	CHECK(!map_phys(PHYS(own - 1), 2, MAP_READ));
	CHECK(!map_phys(PHYS(0), 0, MAP_READ));
	CHECK(!map_phys(PHYS(limit), 1, MAP_READ));
	CHECK(!map_phys(PHYS(limit - 1), 2, MAP_READ));
	CHECK(!map_phys(PHYS(PAGE_SIZE), ~0UL, MAP_READ));
}

static void test_guarded(void)
{
	int inner = 0;
	u64 value = 0;

	CHECK(raises(do_ud, NULL) == VECTOR_UD);
	CHECK(raises(do_div, NULL) == VECTOR_DE);
	CHECK(raises(do_read, (void *)NOT_CANONICAL) == VECTOR_GP);
	CHECK(raises(do_nested, &inner) < 0 && inner == -EFAULT);
	CHECK(guarded_rdmsr(MSR_EFER, &value) == 0 && value & EFER_LMA);
	CHECK(guarded_wrmsr(MSR_EFER, value) == 0);
	/* #GP on every CPU, but QEMU without KVM never refuses an MSR. */
	if (guarded_wrmsr(MSR_KERNEL_GS_BASE, NOT_CANONICAL) == 0)
		printf("selftest: this CPU takes any value for an MSR\n");
	guarded_wrmsr(MSR_KERNEL_GS_BASE, 0);
	CHECK(read_cr0() & CR0_WP);
}

void paging_selftest(void)
{
	test_rights();
	test_direct_map();
	test_addresses();
	test_map_phys();
	test_guarded();
	if (!failures)
		printf("selftest: paging: ok\n");
}

/*
 * Faults on demand: "fault=pf" or the like on the command line raises that
 * exception, and the reader (or a test) can study the report. Each is a
 * function of its own, to be found in the backtrace.
 */
static void fault_ud(void)
{
	asm volatile("ud2");
}

static void fault_de(void)
{
	asm volatile("div %0" : : "r"(0), "a"(1), "d"(0) : "cc");
}

static void fault_pf(void)
{
	*(volatile u32 *)NOT_MAPPED = 1;
}

static void fault_gp(void)
{
	*(volatile u32 *)NOT_CANONICAL = 1;
}

/* Each call keeps an array, and uses it after the inner call: no tail call. */
static uint __attribute__((noinline)) recurse(uint depth)
{
	volatile uint frame[32];

	frame[depth % 32] = depth;
	if (depth < 1000000)
		frame[depth % 32] += recurse(depth + 1);
	return frame[depth % 32];
}

static void fault_stack(void)
{
	printf("fault: recursion returned %u\n", recurse(0));
}

/* #PF can't be delivered, for its frame has nowhere to go: #DF. */
static void fault_df(void)
{
	asm volatile("mov %0, %%rsp; push %%rax" : : "r"(NOT_MAPPED + 0x100UL));
}

static const struct {
	const char *name;
	void (*raise)(void);
} faults[] = {
	{"ud", fault_ud}, {"de", fault_de},       {"pf", fault_pf},
	{"gp", fault_gp}, {"stack", fault_stack}, {"df", fault_df},
};

static const char *fault_choice(uint i)
{
	return i < ARRAY_SIZE(faults) ? faults[i].name : NULL;
}

SETTING(fault_setting, .name = "fault", .type = &choice_type,
	.choice = fault_choice, .help = "raise this exception (TEST=1)");

void fault_on_demand(void)
{
	int i = setting_choice(&fault_setting);

	if (i < 0)
		return;
	faults[i].raise();
	panic("fault=%s was survived", faults[i].name);
}

#endif

/*
 * The commands about CPUs, while a guest runs and in a panic.
 */
#include <sys/mman.h>

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/backtrace.h"
#include "lib/errno.h"
#include "paging/guarded.h"
#include "paging/trap.h"
#include "shell/test/host_shell.h"
#include "smp/cpus.h"
#include "smp/panic.h"
#include "smp/place.h"

struct boot_info boot_info;

/* Three functions, of which two have one name, as static ones can. */
char text_start[0x100];
asm(".globl text_end, symbols_end\n"
    ".set text_end, text_start + 0x100\n"
    ".set symbols_end, symbols_start + 48");

const struct symbol symbols_start[] = {
	{(u64)text_start, "first"},
	{(u64)text_start + 0x40, "twin"},
	{(u64)text_start + 0x80, "twin"},
};

static struct smp_cpu cpus[12];
struct smp_cpu *smp_cpus = cpus;
uint smp_count;

static struct vcpu vcpu;
static struct vcpu *current;
static struct cpu_place places[ARRAY_SIZE(cpus)];
PERCPU(struct trap_frame *, trap_fatal);

void mm_force_unlock(void)
{
}

void console_force_unlock(void)
{
}

int guarded(void (*fn)(void *), void *arg, uint *vector)
{
	fn(arg);
	return 0;
}

struct vcpu *vcpu_current(void)
{
	return current;
}

const struct cpu_place *cpu_place_of(uint cpu)
{
	return places[cpu].state ? &places[cpu] : NULL;
}

static void fill_guest(struct cpu_place *p)
{
	u64 *r = (u64 *)&p->regs;

	p->has_guest = true;
	for (uint i = 0; i < ARRAY_SIZE(p->guest); i++)
		p->guest[i] = 0x2000 + i;
	for (uint i = 0; i < sizeof(p->regs) / 8; i++)
		r[i] = 0x1000 + i;
}

void place_note_guest(struct cpu_place *p, struct vcpu *v)
{
	assert_ptr_equal(v, &vcpu);
	fill_guest(p);
}

/* Two frames, where Vellum's stacks are. */
static u64 *make_stack(void)
{
	static u64 *stack;

	if (!stack)
		stack = mmap((void *)VMM_VIRT, PAGE_SIZE,
			     PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			     -1, 0);
	assert_ptr_equal(stack, VMM_VIRT);
	stack[2] = (u64)&stack[6];
	stack[3] = (u64)text_start + 0x44;
	stack[6] = 0;
	stack[7] = (u64)text_start + 0x80; /* the call was twin's last */
	return &stack[2];
}

static int set_up(void **state)
{
	memset(cpus, 0, sizeof(cpus));
	memset(places, 0, sizeof(places));
	for (uint i = 0; i < ARRAY_SIZE(cpus); i++)
		cpus[i] =
			(struct smp_cpu){.apic_id = 2 * i, .state = CPU_READY};
	smp_count = 2;
	current = &vcpu;
	*this_cpu(cpu_number) = 0;
	*this_cpu(trap_fatal) = NULL;
	panic_cpu = 0;
	boot_info.vmm_size = PAGE_SIZE;
	thread = (struct domain_thread){.io = &kept, .rights = RIGHT_INSPECT};
	return 0;
}

static int tear_down(void **state)
{
	assert_true(piece_most <= WRITE_MOST);
	return 0;
}

static void sym_finds_every_function_of_a_name(void **state)
{
	char line[128];

	assert_int_equal(run("sym first"), 0);
	sprintf(line, "0x%lx first\n", (u64)text_start);
	assert_string_equal(said, line);
	assert_int_equal(run("sym twin"), 0);
	sprintf(line, "0x%lx twin\n0x%lx twin\n", (u64)text_start + 0x40,
		(u64)text_start + 0x80);
	assert_string_equal(said, line);
}

static void sym_names_the_function_that_an_address_is_in(void **state)
{
	char line[128];

	sprintf(line, "sym %lx", (u64)text_start + 0x7f);
	assert_int_equal(run(line), 0);
	sprintf(line, "0x%lx twin+0x3f\n", (u64)text_start + 0x7f);
	assert_string_equal(said, line);
}

static void sym_says_so_where_there_is_no_function(void **state)
{
	char line[128];

	assert_int_equal(run("sym third"), -ENOENT);
	assert_string_equal(said, "sym: `third` is no function of Vellum's, "
				  "nor an address in one\n");
	sprintf(line, "sym %lx", (u64)text_start + 0x100);
	assert_int_equal(run(line), -ENOENT);
	assert_int_equal(run("sym 0"), -ENOENT);
}

static void cpus_lists_each_with_its_state(void **state)
{
	smp_count = ARRAY_SIZE(cpus);
	cpus[1].state = CPU_ABSENT;
	cpus[2].waiting = true;
	cpus[3].state = CPU_UNFIT;
	assert_int_equal(run("cpus"), 0);
	assert_says("CPU 0: APIC ID 0x0, runs its guest, this one\n"
		    "CPU 1: APIC ID 0x2, absent\n"
		    "CPU 2: APIC ID 0x4, waits for a start-up IPI\n"
		    "CPU 3: APIC ID 0x6, unfit\n");
	assert_says("CPU 11: APIC ID 0x16, runs its guest\n");
}

static void cpus_says_in_a_panic_where_each_has_stopped(void **state)
{
	char line[128];

	smp_count = 5;
	cpus[4].waiting = true;
	panic_cpu = 1;
	places[0] = (struct cpu_place){.state = 2, .rip = (u64)text_start + 4};
	places[1] = (struct cpu_place){.state = 2, .in_guest = true};
	places[1].guest[VCPU_RIP] = 0xffffffff81000123;
	cpus[3].state = CPU_OFF;
	assert_int_equal(run("cpus"), 0);
	sprintf(line, "CPU 0: APIC ID 0x0, stopped in Vellum at 0x%lx first+",
		(u64)text_start + 4);
	assert_says(line);
	assert_says("0x2, stopped in its guest at 0xffffffff81000123\n");
	assert_says("CPU 2: APIC ID 0x4, has not said where it is\n");
	assert_says("CPU 3: APIC ID 0x6, not started\n");
	assert_says("CPU 4: APIC ID 0x8, waits for a start-up IPI\n");
}

static void there_is_a_cpu_before_others_are_looked_for(void **state)
{
	smp_count = 0;
	current = NULL;
	assert_int_equal(run("cpus"), 0);
	assert_says("CPU 0, and nobody has looked for others yet\n");
	assert_int_equal(run("regs 0"), 0);
	assert_int_equal(run("regs 1"), -EINVAL);
	assert_says("they are 0 to 0");
}

static void regs_shows_the_guest_of_this_cpu(void **state)
{
	assert_int_equal(run("regs"), 0);
	assert_says("guest on CPU 0:\n"
		    "  rax 0000000000001000 rcx 0000000000001001 "
		    "rdx 0000000000001002\n"
		    "  rbx 0000000000001003 rsp 0000000000002001 "
		    "rbp 0000000000001004\n"
		    "  rsi 0000000000001005 rdi 0000000000001006 "
		    "r8  0000000000001007\n");
	assert_says("  r15 000000000000100e\n"
		    "  rip 0000000000002000 rflags 2002 efer 2006\n"
		    "  cr0 0000000000002003 cr2 000000000000100f "
		    "cr3 0000000000002004\n"
		    "  cr4 0000000000002005 fs  000000000000200b "
		    "gs  000000000000200c\n");
	assert_null(strstr(said, "Vellum"));
	assert_int_equal(run("regs 0"), 0);
	assert_says("guest on CPU 0:\n");
}

static void another_cpu_is_asked_there(void **state)
{
	assert_int_equal(run("regs 1"), -EINVAL);
	assert_says("taskset -c 1 vellumctl shell regs\n");
	assert_int_equal(run("backtrace 1"), -EINVAL);
	assert_says("taskset -c 1 vellumctl shell backtrace\n");
}

static void there_must_be_such_a_cpu(void **state)
{
	assert_int_equal(run("regs 2"), -EINVAL);
	assert_string_equal(said, "regs: `2` is no CPU's number: they are 0 "
				  "to 1\n");
	assert_int_equal(run("backtrace x"), -EINVAL);
	assert_int_equal(run("regs 18446744073709551616"), -EINVAL);
	panic_cpu = 1;
	assert_int_equal(run("regs 1"), -EINVAL);
	assert_says("CPU 1 has not said where it is");
}

static void a_cpu_may_have_no_guest(void **state)
{
	current = NULL;
	assert_int_equal(run("regs"), 0);
	assert_string_equal(said, "CPU 0 has no guest\n");
}

static void regs_shows_in_a_panic_what_each_cpu_has_noted(void **state)
{
	struct trap_frame frame = {.rax = 0xaa, .r15 = 0xff, .rsp = 0x55};

	panic_cpu = 1;
	places[0] = (struct cpu_place){
		.state = 2, .rip = (u64)text_start + 4, .rsp = 0x77};
	places[1] = (struct cpu_place){.state = 2, .in_guest = true};
	fill_guest(&places[1]);
	assert_int_equal(run("regs 1"), 0);
	assert_says("guest on CPU 1:\n");
	assert_null(strstr(said, "in Vellum"));
	assert_int_equal(run("regs"), 0);
	assert_says("CPU 0 has no guest\nCPU 0 in Vellum: rip 0x");
	assert_says(" first+0x4\n  rsp 0000000000000077 rbp 0");
	*this_cpu(trap_fatal) = &frame;
	assert_int_equal(run("regs"), 0);
	assert_says("rax 00000000000000aa");
	assert_says("rsp 0000000000000055");
	assert_says("r15 00000000000000ff");
	places[1].in_guest = false; /* CPU 1 had no exception */
	assert_int_equal(run("regs 1"), 0);
	assert_null(strstr(said, "00000000000000aa"));
}

static void backtrace_follows_the_frames_and_names_them(void **state)
{
	char text[256];

	panic_cpu = 1;
	places[1] = (struct cpu_place){
		.state = 2, .rip = (u64)text_start, .rbp = (u64)make_stack()};
	assert_int_equal(run("backtrace 1"), 0);
	sprintf(text,
		"backtrace<-0x%lx<-0x%lx<-0x%lx\n"
		"  0x%lx first+0x0\n  0x%lx twin+0x4\n  0x%lx twin+0x40\n",
		(u64)text_start, (u64)text_start + 0x44, (u64)text_start + 0x80,
		(u64)text_start, (u64)text_start + 0x44,
		(u64)text_start + 0x80);
	assert_string_equal(said, text);
}

static void backtrace_of_a_cpu_in_its_guest_says_so(void **state)
{
	panic_cpu = 1;
	places[1] = (struct cpu_place){
		.state = 2, .in_guest = true, .rip = (u64)text_start};
	assert_int_equal(run("backtrace 1"), 0);
	assert_says("CPU 1 was in its guest; how it came to stop:\n"
		    "backtrace<-0x");
}

/* The host's stacks are not Vellum's: only where it is is known here. */
static void backtrace_of_this_cpu_begins_in_the_command(void **state)
{
	assert_int_equal(run("backtrace"), 0);
	assert_says("backtrace<-0x");
}

static void what_shows_addresses_is_for_root(void **state)
{
	thread.rights = 0;
	assert_int_equal(run("regs"), -EPERM);
	assert_int_equal(run("backtrace"), -EPERM);
	assert_int_equal(run("sym first"), -EPERM);
	assert_int_equal(run("cpus"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(sym_finds_every_function_of_a_name),
		TEST(sym_names_the_function_that_an_address_is_in),
		TEST(sym_says_so_where_there_is_no_function),
		TEST(cpus_lists_each_with_its_state),
		TEST(cpus_says_in_a_panic_where_each_has_stopped),
		TEST(there_is_a_cpu_before_others_are_looked_for),
		TEST(regs_shows_the_guest_of_this_cpu),
		TEST(another_cpu_is_asked_there),
		TEST(there_must_be_such_a_cpu),
		TEST(a_cpu_may_have_no_guest),
		TEST(regs_shows_in_a_panic_what_each_cpu_has_noted),
		TEST(backtrace_follows_the_frames_and_names_them),
		TEST(backtrace_of_a_cpu_in_its_guest_says_so),
		TEST(backtrace_of_this_cpu_begins_in_the_command),
		TEST(what_shows_addresses_is_for_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

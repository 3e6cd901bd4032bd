/*
 * Threads on the host: a test plays ring 3. It says what a program does next,
 * and finds what Vellum made of it.
 */
#define HOST_RING3
#include "domain/tables.h"
#include "domain/test/host_domains.h"
#include "lib/cpu.h"
#include "paging/gdt.h"
#include "smp/panic.h"

/* Vellum's own tables: nothing is in them. */
static u64 top[PT_ENTRIES] __aligned(4096), low[PT_ENTRIES] __aligned(4096);

phys_t paging_root(void)
{
	top[0] = (u64)low | PTE_P;
	return PHYS(top);
}

/* What the program does: called at each entry. */
static void (*program)(struct trap_frame *regs);
static uint entries;
static u64 cr2;

u64 domain_enter(phys_t root, struct trap_frame *regs)
{
	assert_int_equal(root.v, thread.at->space.root.v);
	entries++;
	regs->vector = SYSCALL_VECTOR;
	program(regs);
	return cr2;
}

void domain_tables_init(void)
{
}

static uint resets;

void domain_tables_reset(void)
{
	resets++;
}

const char *trap_name(uint vector)
{
	static const char *const names[] = {
		[VECTOR_UD] = "#UD", [VECTOR_GP] = "#GP", [VECTOR_PF] = "#PF"};

	return names[vector];
}

static uint looked; /* whether another CPU has panicked */

void smp_stop_if_panic(void)
{
	looked++;
}

static struct trap_frame dispatched;

void trap_dispatch(struct trap_frame *frame)
{
	dispatched = *frame;
}

/* There is one, for the table's sake. */
static int receive(struct domain_thread *t, int kind, int value,
		   struct server_buf *bufs, uint count)
{
	return 0;
}

MSG_SERVER("server", receive);

/* What is typed, and what then. */
static const char *typed;
static int after;
static bool no_room;

static int read_typed(struct domain_thread *t)
{
	return *typed ? *typed++ : after;
}

static bool has_no_room(struct domain_thread *t)
{
	return no_room;
}

static const struct thread_io io = {
	.write = host_write, .read = read_typed, .full = has_no_room};

static int set_up(void **state)
{
	host_domains();
	message_end_all(&thread);
	domain_init();
	thread = (struct domain_thread){.io = &io};
	typed = "";
	after = -EAGAIN;
	no_room = false;
	entries = looked = 0;
	memset(&dispatched, 0, sizeof(dispatched));
	assert_int_equal(thread_start(&thread, "one", 7), 0);
	return 0;
}

static int tear_down(void **state)
{
	uint pages;

	thread_end(&thread);
	pages = num_of_available_pages();
	assert_int_equal(thread_start(&thread, "one", 0), 0);
	thread_end(&thread);
	assert_int_equal(num_of_available_pages(), pages);
	return 0;
}

static void call(struct trap_frame *r, u64 number, u64 a, u64 b)
{
	r->rip = TEXT + 2; /* behind INT n */
	r->rax = number;
	r->rdi = a;
	r->rsi = b;
}

static void exits(struct trap_frame *r)
{
	assert_int_equal(r->rdi, MSG_INT);
	assert_int_equal(r->rsi, 7);
	assert_int_equal(r->rip, PROGRAM_BASE);
	assert_int_equal(r->rsp, PROGRAM_STACK_TOP);
	call(r, SYS_EXIT, 5, 0);
}

static void yields(struct trap_frame *r)
{
	call(r, SYS_YIELD, 0, 0);
}

static void reads(struct trap_frame *r)
{
	call(r, SYS_READ, 0, 0);
}

static void writes(struct trap_frame *r)
{
	call(r, SYS_WRITE, DATA, 4);
}

static void a_thread_ends_with_what_its_program_says(void **state)
{
	program = exits;
	assert_int_equal(thread_run(&thread, 1), THREAD_ENDED);
	assert_int_equal(thread.status, 5);
	assert_int_equal(entries, 1);
	assert_int_equal(thread_run(&thread, 1), THREAD_ENDED);
	assert_int_equal(entries, 1);
}

static void a_slice_ends_with_a_yield(void **state)
{
	program = yields;
	assert_int_equal(thread_run(&thread, 3), THREAD_YIELDED);
	assert_int_equal(entries, 3);
	assert_int_equal(thread_run(&thread, 0), THREAD_YIELDED);
	assert_int_equal(entries, 4);
	assert_int_equal(looked, 4);
}

static void who_makes_other_calls_for_ever_is_stopped_as_well(void **state)
{
	program = writes;
	assert_int_equal(thread_run(&thread, 2), THREAD_YIELDED);
	assert_in_range(entries, 100, 1000);
}

static void a_read_waits_and_is_made_again(void **state)
{
	struct trap_frame *r = &thread.at->regs;

	program = reads;
	assert_int_equal(thread_run(&thread, 100), THREAD_READS);
	assert_int_equal(entries, 1);
	assert_int_equal(r->rip, TEXT);
	assert_int_equal(r->rax, SYS_READ);
	typed = "x";
	assert_int_equal(thread_run(&thread, 100), THREAD_READS);
	assert_int_equal(entries, 3); /* the x, and then one that waits */
	after = -ENODEV;
	assert_int_equal(thread_run(&thread, 1), THREAD_YIELDED);
	assert_int_equal(r->rip, TEXT + 2);
	assert_int_equal(r->rax, -ENODEV);
}

static void writes_until_it_can(struct trap_frame *r)
{
	if (entries <= 2)
		writes(r);
	else
		yields(r);
}

static void a_write_waits_for_room_and_comes_once(void **state)
{
	program = writes_until_it_can;
	assert_int_equal(space_write(&thread.at->space, DATA, "text", 4), 0);
	no_room = true;
	assert_int_equal(thread_run(&thread, 1), THREAD_FULL);
	assert_string_equal(written, "");
	assert_int_equal(thread.at->regs.rip, TEXT);
	assert_int_equal(thread.at->regs.rax, SYS_WRITE);
	no_room = false;
	assert_int_equal(thread_run(&thread, 1), THREAD_YIELDED);
	assert_int_equal(entries, 3);
	assert_string_equal(written, "text");
}

static struct domain_thread other;

static void tries_another(struct domain_thread *t, const char *text,
			  size_t length)
{
	assert_int_equal(thread_start(&other, "two", 0), -EBUSY);
	assert_int_equal(thread_run(&thread, 1), THREAD_YIELDED);
}

static void one_cpu_at_a_time_runs_threads(void **state)
{
	static const struct thread_io busy_io = {.write = tries_another,
						 .read = read_typed};
	uint before;

	thread.io = &busy_io;
	program = writes;
	before = entries;
	assert_int_equal(thread_run(&thread, 1), THREAD_YIELDED);
	assert_int_not_equal(entries, before);
}

static void after_a_panic_somebody_else_may(void **state)
{
	static const struct thread_io stuck = {.read = read_typed};

	thread.io = &stuck; /* nothing is called that is not there */
	program = yields;
	assert_int_equal(thread_run(&thread, 1), THREAD_YIELDED);
	domain_panic_reset();
	assert_int_equal(resets, 1);
	assert_int_equal(thread_run(&thread, 1), THREAD_YIELDED);
	thread.io = &io;
}

/* What a program did, and what is said about it. */
static const struct fault {
	u64 vector, error, cr2, rip;
	const char *said;
} faults[] = {
	{VECTOR_PF, 6, 0, TEXT + 1,
	 "#PF: write to 0x0, which is not mapped, at 0x400001 start+0x1: "
	 "ended"},
	{VECTOR_PF, 4, 0x10, TEXT, "read of 0x10, which is not mapped"},
	{VECTOR_PF, 7, TEXT, TEXT,
	 "write to 0x400000, which may not be "
	 "written"},
	{VECTOR_PF, 0x15, DATA, DATA,
	 "execution of 0x402000, which may not be "
	 "executed"},
	{VECTOR_PF, 6, STACK - 8, TEXT, "write to 0x5edff8, a stack overflow"},
	{VECTOR_PF, 6, STACK - PAGE_SIZE - 8, TEXT, "which is not mapped"},
	{VECTOR_PF, 0x15, VMM_VIRT, VMM_VIRT,
	 "execution of 0x40000000, which "
	 "is Vellum's"},
	{VECTOR_PF, 5, DIRECT_VIRT, TEXT, "which is Vellum's"},
	{VECTOR_GP, 0, 0, TEXT + 0x123, "#GP, at 0x400123 work+0x23: ended"},
	{VECTOR_GP, 0x22, 0, TEXT, "#GP: INT 0x4, at"},
	{VECTOR_GP, 0x28, 0, TEXT, "#GP: selector 0x28, at"},
	{VECTOR_UD, 0, 0, TEXT - 1, "#UD, at 0x3fffff: ended"},
};
static const struct fault *fault;

static void does_wrong(struct trap_frame *r)
{
	r->vector = fault->vector;
	r->error = fault->error;
	r->rip = fault->rip;
	cr2 = fault->cr2;
}

static void a_fault_ends_the_program_and_is_described(void **state)
{
	for (uint i = 0; i < ARRAY_SIZE(faults); i++) {
		set_up(state);
		fault = &faults[i];
		program = does_wrong;
		host_printed[0] = '\0';
		assert_int_equal(thread_run(&thread, 9), THREAD_ENDED);
		assert_int_equal(entries, 1);
		assert_int_equal(thread.status, -EFAULT);
		if (strncmp(written, "domain one: #", 13) ||
		    !strstr(written, fault->said) ||
		    strcmp(written, host_printed))
			fail_msg("row %u: %s", i, written);
	}
}

static void is_interrupted(struct trap_frame *r)
{
	r->vector = entries == 1   ? VECTOR_NMI
		    : entries == 2 ? VECTOR_MC
		    : entries == 3 ? 30 /* #SX */
				   : SYSCALL_VECTOR;
	if (entries > 1 && entries < 5)
		assert_int_equal(dispatched.cs, SEL_CODE);
	r->rax = SYS_YIELD;
}

static void what_is_the_cpus_is_passed_on_and_the_program_goes_on(void **state)
{
	program = is_interrupted;
	assert_int_equal(thread_run(&thread, 1), THREAD_YIELDED);
	assert_int_equal(entries, 4);
	assert_int_equal(dispatched.vector, 30);
}

static void ctrl_c_is_told_after_what_was_typed_before(void **state)
{
	struct trap_frame *r = &thread.at->regs;

	program = reads;
	thread.interrupted = true;
	typed = "a";
	assert_int_equal(thread_run(&thread, 1), THREAD_READS);
	assert_false(thread.interrupted);
	assert_string_equal(typed, "");
	assert_int_equal(r->rip, TEXT);
}

static void who_does_not_heed_ctrl_c_is_ended_by_the_second(void **state)
{
	program = yields;
	thread.interrupted = true;
	assert_int_equal(thread_run(&thread, 1), THREAD_YIELDED);
	assert_int_equal(thread.at->regs.rax, -EINTR);
	assert_int_equal(thread_run(&thread, 5), THREAD_YIELDED);
	assert_int_equal(thread.at->regs.rax, 0);
	thread.interrupted = true;
	assert_int_equal(thread_run(&thread, 5), THREAD_ENDED);
	assert_int_equal(thread.status, -EINTR);
	assert_non_null(strstr(written, "interrupted: ended"));
}

static void who_reads_again_has_heeded_it(void **state)
{
	program = yields;
	thread.interrupted = true;
	assert_int_equal(thread_run(&thread, 1), THREAD_YIELDED);
	program = reads;
	assert_int_equal(thread_run(&thread, 1), THREAD_READS);
	program = yields;
	thread.interrupted = true;
	assert_int_equal(thread_run(&thread, 5), THREAD_YIELDED);
	assert_non_null(thread.at);
}

static void makes_no_known_call(struct trap_frame *r)
{
	call(r, SYS_COUNT, 0, 0);
}

static void a_call_that_there_is_not_ends_the_program(void **state)
{
	program = makes_no_known_call;
	assert_int_equal(thread_run(&thread, 1), THREAD_ENDED);
	assert_int_equal(thread.status, -EFAULT);
	assert_non_null(strstr(written, "no system call has number 12"));
}

static u64 reason_at, reason_length;

static void panics(struct trap_frame *r)
{
	call(r, SYS_PANIC, reason_at, reason_length);
}

static void a_panic_in_a_process_ends_it_whatever_its_text(void **state)
{
	static const struct {
		u64 at, length;
		const char *said;
	} row[] = {
		{DATA, 7, "domain one: panic in process: out?of?\n"},
		{DATA, ~0UL, "panic in process: "},
		{DATA, 0, "panic in process: \n"},
		{VMM_VIRT, 10, "panic in process: \n"},
	};

	for (uint i = 0; i < ARRAY_SIZE(row); i++) {
		set_up(state);
		assert_int_equal(
			space_write(&thread.at->space, DATA, "out\nof\x1b", 7),
			0);
		reason_at = row[i].at;
		reason_length = row[i].length;
		program = panics;
		assert_int_equal(thread_run(&thread, 1), THREAD_ENDED);
		assert_int_equal(thread.status, -EFAULT);
		assert_non_null(strstr(written, row[i].said));
	}
}

static void before_there_are_domains_no_thread_starts(void **state)
{
	host_domains();
	assert_int_equal(thread_start(&other, "one", 0), -ENODEV);
	thread_end(&other);
}

static void what_can_not_start_says_why(void **state)
{
	struct domain_thread t = {.io = &io};

	assert_int_equal(thread_start(&t, "three", 0), -ENOENT);
	host_set_msr(MSR_EFER, 0); /* no NX */
	assert_int_equal(thread_start(&t, "one", 0), -ENODEV);
	host_set_msr(MSR_EFER, EFER_NXE);
	host_cr[4] = CR4_LA57;
	assert_int_equal(thread_start(&t, "one", 0), -ENODEV);
	host_cr[4] = 0;
	thread_end(&t);
	assert_int_equal(thread_start(&t, "two", 0), 0);
	thread_end(&t);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_there_are_domains_no_thread_starts),
		TEST(a_thread_ends_with_what_its_program_says),
		TEST(a_slice_ends_with_a_yield),
		TEST(who_makes_other_calls_for_ever_is_stopped_as_well),
		TEST(a_read_waits_and_is_made_again),
		TEST(a_write_waits_for_room_and_comes_once),
		TEST(one_cpu_at_a_time_runs_threads),
		TEST(after_a_panic_somebody_else_may),
		TEST(a_fault_ends_the_program_and_is_described),
		TEST(what_is_the_cpus_is_passed_on_and_the_program_goes_on),
		TEST(ctrl_c_is_told_after_what_was_typed_before),
		TEST(who_does_not_heed_ctrl_c_is_ended_by_the_second),
		TEST(who_reads_again_has_heeded_it),
		TEST(a_call_that_there_is_not_ends_the_program),
		TEST(a_panic_in_a_process_ends_it_whatever_its_text),
		TEST(what_can_not_start_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

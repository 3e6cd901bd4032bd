/*
 * What becomes of an exit that Vellum can't serve: a fault in the guest, a
 * bounded log, and in the end a reset; never a panic, and never a spin.
 */
#include "host.h"
#include "lib/errno.h"
#include "vmm/exit.h"
#include "vmm/mmio.h"
#include "vmm/nmi.h"
#include "vmm/vcpu.h"

#define REPEATS 1000

static struct vcpu vcpu;
static u64 rip;
static int fault_error;
static uint injected, flushed, vector, resets, taken_back;

/* Handlers that are elsewhere. */
EXIT_HANDLER(CPUID)
{
}
EXIT_HANDLER(RDMSR)
{
}
EXIT_HANDLER(WRMSR)
{
}
EXIT_HANDLER(HYPERCALL)
{
}
EXIT_HANDLER(IO)
{
}
EXIT_HANDLER(NMI)
{
}
EXIT_HANDLER(NMI_WINDOW)
{
}

const struct cpu_signals *cpu_signals;

int guarded(void (*fn)(void *), void *arg, uint *v)
{
	return 0;
}

const struct mmio_page *mmio_find(u64 base, u64 size)
{
	return NULL;
}

int nested_root_fault(struct nested_root *root, gphys_t gpa, bool write)
{
	return fault_error;
}

void console_take_back(void)
{
	taken_back++;
}

/* On the machine it does not come back. */
void machine_reset(void)
{
	resets++;
	longjmp(host_panic_jump, 1);
}

static u64 get(struct vcpu *v, enum vcpu_reg reg)
{
	return rip;
}

static void inject(struct vcpu *v, uint which, u32 error)
{
	injected++;
	vector = which;
}

static void flush(struct vcpu *v)
{
	flushed++;
}

static void dump(struct vcpu *v)
{
}

static const struct vcpu_ops ops = {
	.get = get,
	.inject_exception = inject,
	.flush_map = flush,
	.dump = dump,
};
const struct vcpu_ops *vcpu_ops = &ops;

static int start(void **state)
{
	memset(&vcpu, 0, sizeof(vcpu));
	injected = flushed = resets = taken_back = fault_error = 0;
	rip = 0x1000;
	host_printed[0] = '\0';
	return 0;
}

/* Dispatch @exit up to @times; how often it came back. */
static uint dispatch(struct vm_exit exit, uint times)
{
	volatile uint done = 0;

	if (!setjmp(host_panic_jump))
		for (; done < times; done++)
			exit_dispatch(&vcpu, &exit);
	return done;
}

static void an_unknown_exit_is_an_undefined_instruction(void **state)
{
	struct vm_exit exit = {.reason = EXIT_UNKNOWN, .hw_reason = 0x77};

	assert_int_equal(dispatch(exit, 1), 1);
	assert_int_equal(vector, VECTOR_UD);
	assert_non_null(strstr(host_printed, "0x77"));
	host_printed[0] = '\0';
	assert_int_equal(dispatch(exit, 1), 1);
	assert_int_equal(injected, 2);
	assert_string_equal(host_printed, ""); /* once */
}

static void the_same_one_at_the_same_place_ends_in_a_reset(void **state)
{
	struct vm_exit exit = {.reason = EXIT_UNKNOWN, .hw_reason = 1};

	/* what the guest's handler does in between does not count */
	for (uint i = 1; i < REPEATS; i++) {
		assert_int_equal(dispatch(exit, 1), 1);
		dispatch((struct vm_exit){.reason = EXIT_CPUID}, 1);
	}
	assert_int_equal(resets, 0);
	assert_int_equal(dispatch(exit, 1), 0);
	assert_int_equal(resets, 1);
	assert_int_equal(taken_back, 1);
}

static void elsewhere_it_begins_anew(void **state)
{
	struct vm_exit exit = {.reason = EXIT_UNKNOWN, .hw_reason = 1};

	for (uint i = 0; i < 3 * REPEATS; i++) {
		rip = i % 2;
		assert_int_equal(dispatch(exit, 1), 1);
	}
	assert_int_equal(resets, 0);
}

static void memory_that_cannot_be_mapped_is_a_fault(void **state)
{
	static const int errors[] = {-EPERM, -EFAULT, -ENOMEM};

	for (uint i = 0; i < ARRAY_SIZE(errors); i++) {
		fault_error = errors[i];
		rip = i;
		assert_int_equal(
			dispatch((struct vm_exit){.reason = EXIT_MEMORY}, 1),
			1);
		assert_int_equal(injected, i + 1);
		assert_int_equal(vector, VECTOR_GP);
	}
	assert_int_equal(flushed, 0);
}

static void an_entry_that_the_cpu_refuses_is_a_fault(void **state)
{
	struct vm_exit exit = {.reason = EXIT_MEMORY, .reserved = true};

	assert_int_equal(dispatch(exit, 1), 1);
	assert_int_equal(vector, VECTOR_GP);
	assert_int_equal(flushed, 0);
	assert_int_equal(dispatch(exit, REPEATS), REPEATS - 2);
	assert_int_equal(resets, 1);
}

static void a_second_try_that_never_helps_ends_in_a_reset(void **state)
{
	struct vm_exit exit = {.reason = EXIT_MEMORY, .gpa = GPHYS(5)};

	assert_int_equal(dispatch(exit, 2 * REPEATS), REPEATS - 1);
	assert_int_equal(resets, 1);
	assert_int_equal(injected, 0);
}

static void one_instruction_may_touch_much_and_often(void **state)
{
	struct vm_exit exit = {.reason = EXIT_MEMORY};

	for (uint i = 0; i < 3 * REPEATS; i++) { /* REP STOS */
		exit.gpa.v += PAGE_SIZE;
		assert_int_equal(dispatch(exit, 1), 1);
	}
	for (uint i = 0; i < 3 * REPEATS; i++) { /* and what gets on */
		assert_int_equal(dispatch(exit, 1), 1);
		dispatch((struct vm_exit){.reason = EXIT_CPUID}, 1);
	}
	assert_int_equal(resets, 0);
}

static void the_log_is_bounded(void **state)
{
	struct vm_exit exit = {.reason = EXIT_UNKNOWN};
	uint lines = 0;

	for (uint i = 0; i < 500; i++) {
		rip += 8;
		dispatch(exit, 1);
	}
	for (const char *c = host_printed; *c; c++)
		lines += *c == '\n';
	assert_true(lines <= 16);
}

static void a_sipi_to_a_cpu_that_runs_is_nothing(void **state)
{
	assert_int_equal(dispatch((struct vm_exit){.reason = EXIT_SIPI}, 1), 1);
	assert_int_equal(injected, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			an_unknown_exit_is_an_undefined_instruction, start),
		cmocka_unit_test_setup(
			the_same_one_at_the_same_place_ends_in_a_reset, start),
		cmocka_unit_test_setup(elsewhere_it_begins_anew, start),
		cmocka_unit_test_setup(memory_that_cannot_be_mapped_is_a_fault,
				       start),
		cmocka_unit_test_setup(an_entry_that_the_cpu_refuses_is_a_fault,
				       start),
		cmocka_unit_test_setup(
			a_second_try_that_never_helps_ends_in_a_reset, start),
		cmocka_unit_test_setup(one_instruction_may_touch_much_and_often,
				       start),
		cmocka_unit_test_setup(the_log_is_bounded, start),
		cmocka_unit_test_setup(a_sipi_to_a_cpu_that_runs_is_nothing,
				       start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

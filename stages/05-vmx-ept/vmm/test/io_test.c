/*
 * Accesses to watched ports: of each width and at each place around a port,
 * what a watch sees and changes is its byte; and who does the whole access
 * does it alone.
 */
#include "host.h"
#include "lib/errno.h"
#include "vmm/io.h"
#include "vmm/vcpu.h"

#define PORT  0x1005
#define TAKEN 0x2000

exit_handler_fn handle_exit_IO;

static struct vcpu vcpu;
static uint skipped, injected;
static struct vm_exit last; /* that take() had to do */
static u32 last_value;

static void step_over(struct vcpu *v)
{
	skipped++;
}

static void inject(struct vcpu *v, uint vector, u32 error)
{
	assert_int_equal(vector, VECTOR_GP);
	injected++;
}

static u16 intercepted[16];
static uint intercepted_count;

static void intercept(struct vcpu *v, u16 port)
{
	intercepted[intercepted_count++] = port;
}

static const struct vcpu_ops ops = {
	.skip_instruction = step_over,
	.inject_exception = inject,
	.intercept_io = intercept,
};
const struct vcpu_ops *vcpu_ops = &ops;

static u8 set_top(const struct io_watch *watch, u8 value)
{
	return value | 0x80;
}

static u8 clear_top(const struct io_watch *watch, u8 value)
{
	return value & ~0x80;
}

static u32 take(const struct vm_exit *exit, u32 value)
{
	last = *exit;
	last_value = value;
	return 0x11223344;
}

static struct io_watch byte = {
	.port = PORT,
	.read = set_top,
	.write = clear_top,
};
static struct io_watch whole[] = {
	{.port = TAKEN, .access = take},
	{.port = TAKEN + 1, .access = take},
};

static int start(void **state)
{
	host_cpu_reset();
	skipped = injected = 0;
	last = (struct vm_exit){0};
	return 0;
}

static void guest_access(u16 port, uint size, bool write)
{
	struct vm_exit exit = {.port = port, .size = size, .write = write};

	handle_exit_IO(&vcpu, &exit);
}

static void all_that_is_watched_is_intercepted(void **state)
{
	io_watch(&byte);
	io_watch(&whole[0]);
	io_watch(&whole[1]);
	io_intercept(&vcpu);
	assert_int_equal(intercepted_count, 3);
	for (uint i = 0; i < 3; i++)
		assert_true(intercepted[i] == PORT ||
			    intercepted[i] / 2 == TAKEN / 2);
}

static void a_watch_sees_its_byte_of_any_access(void **state)
{
	static const uint sizes[] = {1, 2, 4};

	for (uint i = 0; i < ARRAY_SIZE(sizes); i++)
		for (u16 at = PORT - sizes[i] + 1; at <= PORT; at++) {
			uint size = sizes[i], shift = (PORT - at) * 8;
			u32 mask = ~0U >> (32 - size * 8);
			u64 upper = size < 4 ? ~0UL << size * 8 : 0;

			host_set_port(at, 0, size);
			vcpu.regs.rax = ~0UL;
			guest_access(at, size, true);
			assert_int_equal(host_port(at, size),
					 mask & ~(0x80U << shift));
			host_set_port(at, 0, size);
			guest_access(at, size, false);
			assert_int_equal(vcpu.regs.rax, upper | 0x80U << shift);
		}
	assert_int_equal(skipped, 2 * (1 + 2 + 4));
}

static void who_does_the_whole_access_does_it_alone(void **state)
{
	static const uint sizes[] = {1, 2, 4};

	for (uint i = 0; i < ARRAY_SIZE(sizes); i++)
		for (u16 at = TAKEN - sizes[i] + 1; at <= TAKEN + 1; at++) {
			uint size = sizes[i];
			u64 upper = size < 4 ? ~0UL << size * 8 : 0;

			host_set_port(at, 0x55, size);
			vcpu.regs.rax = 0x99999999aabbccdd;
			guest_access(at, size, true);
			assert_true(last.write);
			assert_int_equal(last_value, 0xaabbccdd);
			vcpu.regs.rax = ~0UL;
			guest_access(at, size, false);
			assert_false(last.write);
			assert_int_equal(last.port, at);
			assert_int_equal(last.size, size);
			assert_int_equal(vcpu.regs.rax,
					 upper | (0x11223344 & ~upper));
			assert_int_equal(host_port(at, size), 0x55);
		}
}

static void what_it_leaves_to_the_machine_is_done_there(void **state)
{
	struct vm_exit out = {.port = TAKEN, .size = 2, .write = true};
	struct vm_exit in = {.port = TAKEN, .size = 2};

	io_access(&out, 0x12345678);
	assert_int_equal(host_port(TAKEN, 2), 0x5678);
	assert_int_equal(io_access(&in, 0), 0x5678);
}

static void a_string_is_refused_and_does_nothing(void **state)
{
	struct vm_exit exit = {
		.port = TAKEN, .size = 4, .write = true, .string = true};

	handle_exit_IO(&vcpu, &exit);
	assert_int_equal(injected, 1);
	assert_int_equal(skipped, 0);
	assert_int_equal(last.port, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_is_watched_is_intercepted),
		cmocka_unit_test_setup(a_watch_sees_its_byte_of_any_access,
				       start),
		cmocka_unit_test_setup(who_does_the_whole_access_does_it_alone,
				       start),
		cmocka_unit_test_setup(
			what_it_leaves_to_the_machine_is_done_there, start),
		cmocka_unit_test_setup(a_string_is_refused_and_does_nothing,
				       start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

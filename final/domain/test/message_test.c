/*
 * Messages on the host: whom the thread is in, who can be sent to under which
 * name, and what is left when one of them ends.
 */
#include "domain/test/host_domains.h"

/* A receiver in Vellum, which adds 1. */
static int echo(struct domain_thread *t, int kind, int value,
		struct server_buf *bufs, uint count)
{
	return value + 1;
}
MSG_SERVER("echo", echo);

static struct domain *first;

static int start(void **state)
{
	first = host_domains();
	return 0;
}

/* Whatever a test did: nothing is left of it when its thread ends. */
static int stop(void **state)
{
	host_domains_end();
	return 0;
}

/* --- Numbers */

static void a_number_goes_there_and_the_answer_comes_back(void **state)
{
	int d = new_domain();
	struct domain *second = domain_of(first, d);

	host_call(SYS_MSG_SENDINT, d, -41, 0, 0);
	assert_ptr_equal(thread.at, second);
	assert_int_equal(second->regs.rip, PROGRAM_BASE);
	assert_int_equal(second->regs.rsp, PROGRAM_STACK_TOP);
	assert_int_equal(second->regs.rdi, MSG_INT);
	assert_int_equal((int)second->regs.rsi, -41);
	assert_int_equal(second->regs.rcx, 0);
	reply(42);
	assert_ptr_equal(thread.at, first);
	assert_int_equal(first->regs.rax, 42);
}

static void an_answer_is_an_int_whatever_else_is_in_the_register(void **state)
{
	int d = new_domain();

	host_call(SYS_MSG_SENDINT, d, 0, 0, 0);
	host_call(SYS_REPLY, 0x1234567800000007, 0, 0, 0);
	assert_int_equal(first->regs.rax, 7);
	host_call(SYS_MSG_SENDINT, d, 0, 0, 0);
	host_call(SYS_REPLY, 0xffffffff, 0, 0, 0);
	assert_int_equal((s64)first->regs.rax, -1);
}

static void each_message_begins_at_the_entry_on_an_empty_stack(void **state)
{
	int d = new_domain();

	for (int i = 0; i < 3; i++) {
		host_call(SYS_MSG_SENDINT, d, i, 0, 0);
		assert_int_equal(thread.at->regs.rip, PROGRAM_BASE);
		assert_int_equal(thread.at->regs.rsp, PROGRAM_STACK_TOP);
		thread.at->regs.rip += 100;
		thread.at->regs.rsp -= 100;
		reply(i);
	}
}

static void the_answer_of_the_first_domain_ends_the_thread(void **state)
{
	reply(-7);
	assert_null(thread.at);
	assert_int_equal(thread.status, -7);
}

static void a_thread_goes_through_many_domains_and_back(void **state)
{
	int hops = 0;

	while (call_name(SYS_NEWPROCESS, "two") == 0) {
		host_call(SYS_MSG_SENDINT, 0, 0, 0, 0);
		hops++;
	}
	assert_int_equal(hops, MSG_DOMAINS - 1);
	assert_int_equal((s64)thread.at->regs.rax, -ENOSPC);
	for (; hops; hops--) {
		assert_ptr_not_equal(thread.at, first);
		reply(hops);
		assert_int_equal(thread.at->regs.rax, hops);
	}
	assert_ptr_equal(thread.at, first);
}

/* --- Names and descriptors */

static void a_registered_name_can_be_opened(void **state)
{
	int d = new_domain();
	struct domain *second = domain_of(first, d);

	assert_int_equal(call_name(SYS_MSG_OPEN, "service"), -ENOENT);
	host_call(SYS_MSG_SENDINT, d, 0, 0, 0);
	assert_int_equal(call_name(SYS_MSG_REGISTER, "service"), 0);
	reply(0);
	assert_int_equal(host_call(SYS_MSG_CLOSE, d, 0, 0, 0), 0);
	d = call_name(SYS_MSG_OPEN, "service");
	assert_ptr_equal(domain_of(first, d), second);
}

static void a_name_is_one_domains_alone_and_it_has_but_one(void **state)
{
	int d = new_domain();

	assert_int_equal(call_name(SYS_MSG_REGISTER, "mine"), 0);
	assert_int_equal(call_name(SYS_MSG_REGISTER, "other"), -EEXIST);
	host_call(SYS_MSG_SENDINT, d, 0, 0, 0);
	assert_int_equal(call_name(SYS_MSG_REGISTER, "mine"), -EEXIST);
	assert_int_equal(call_name(SYS_MSG_REGISTER, "echo"), -EEXIST);
	assert_int_equal(call_name(SYS_MSG_REGISTER, "other"), 0);
}

static void names_are_short_and_can_be_printed(void **state)
{
	static const char *const names[] = {"a b", "\x7f", "\x1b", "\xff",
					    "\n"};
	char longest[MSG_NAME_MAX + 2];

	for (uint i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(call_name(SYS_MSG_REGISTER, names[i]),
				 -EINVAL);
	assert_int_equal(host_call(SYS_MSG_OPEN, DATA, 0, 0, 0), -EINVAL);
	assert_int_equal(host_call(SYS_MSG_OPEN, DATA, 1UL << 32, 0, 0),
			 -EINVAL);
	assert_int_equal(host_call(SYS_MSG_OPEN, PROGRAM_WINDOW, 3, 0, 0),
			 -EFAULT);
	memset(longest, 'x', sizeof(longest));
	longest[MSG_NAME_MAX + 1] = '\0';
	assert_int_equal(call_name(SYS_MSG_REGISTER, longest), -EINVAL);
	longest[MSG_NAME_MAX] = '\0';
	assert_int_equal(call_name(SYS_MSG_REGISTER, longest), 0);
	assert_true(call_name(SYS_MSG_OPEN, longest) >= 0);
	longest[MSG_NAME_MAX - 1] = '\0';
	assert_int_equal(call_name(SYS_MSG_OPEN, longest), -ENOENT);
}

static void only_open_descriptors_can_be_used(void **state)
{
	static const u64 none[] = {0, 1, MSG_DESCRIPTORS, 1UL << 32, -1UL};

	for (uint i = 0; i < ARRAY_SIZE(none); i++) {
		u64 d = none[i];

		assert_int_equal(host_call(SYS_MSG_SENDINT, d, 0, 0, 0),
				 -EBADF);
		assert_int_equal(host_call(SYS_MSG_SENDBUF, d, 0, 0, 0),
				 -EBADF);
		assert_int_equal(host_call(SYS_MSG_CLOSE, d, 0, 0, 0), -EBADF);
	}
	assert_int_equal(call_name(SYS_MSG_OPEN, "echo"), 0);
	assert_int_equal(host_call(SYS_MSG_SENDINT, 1UL << 32, 0, 0, 0),
			 -EBADF);
	assert_int_equal(host_call(SYS_MSG_CLOSE, 0, 0, 0, 0), 0);
	assert_int_equal(host_call(SYS_MSG_CLOSE, 0, 0, 0, 0), -EBADF);
}

static void a_domain_has_so_many_descriptors_and_no_more(void **state)
{
	for (int i = 0; i < MSG_DESCRIPTORS; i++)
		assert_int_equal(call_name(SYS_MSG_OPEN, "echo"), i);
	assert_int_equal(call_name(SYS_MSG_OPEN, "echo"), -ENOSPC);
	assert_int_equal(call_name(SYS_NEWPROCESS, "two"), -ENOSPC);
	host_call(SYS_MSG_CLOSE, 3, 0, 0, 0);
	assert_int_equal(call_name(SYS_MSG_OPEN, "echo"), 3);
}

static void a_domain_goes_with_its_last_descriptor(void **state)
{
	uint before = num_of_available_pages();
	int d = new_domain();

	assert_int_equal(count_of_domains(), 2);
	host_call(SYS_MSG_CLOSE, d, 0, 0, 0);
	assert_int_equal(count_of_domains(), 1);
	assert_true(num_of_available_pages() + heap_pages() >= before);
}

/* A registers, B has A open and is only reachable from it: both ways. */
static void domains_that_only_each_other_reach_go_one_after_the_other(
	void **state)
{
	int d = new_domain();

	host_call(SYS_MSG_SENDINT, d, 0, 0, 0);
	new_domain();
	reply(0);
	assert_int_equal(count_of_domains(), 3);
	host_call(SYS_MSG_CLOSE, d, 0, 0, 0);
	assert_int_equal(count_of_domains(), 1);
}

static void a_domain_with_a_name_stays_when_nobody_has_it_open(void **state)
{
	int d = new_domain();

	host_call(SYS_MSG_SENDINT, d, 0, 0, 0);
	call_name(SYS_MSG_REGISTER, "resident");
	reply(0);
	host_call(SYS_MSG_CLOSE, d, 0, 0, 0);
	assert_int_equal(count_of_domains(), 2);
	assert_true(call_name(SYS_MSG_OPEN, "resident") >= 0);
}

static void threads_do_not_see_each_others_names(void **state)
{
	struct domain_thread other = {.io = &host_io};
	struct domain *d;

	assert_int_equal(call_name(SYS_MSG_REGISTER, "ours"), 0);
	list_init(&other.domains);
	assert_int_equal(domain_new(&other, "one", &d), 0);
	message_enter(&other, d, MSG_INT, 0);
	put(d, DATA, "ours", 4);
	d->regs.rax = SYS_MSG_OPEN;
	d->regs.rdi = DATA;
	d->regs.rsi = 4;
	domain_syscall(&other);
	assert_int_equal((s64)d->regs.rax, -ENOENT);
	message_end_all(&other);
}

/* --- Who is busy, who dies */

static void who_waits_for_an_answer_is_busy(void **state)
{
	int d = new_domain(), back;

	call_name(SYS_MSG_REGISTER, "first");
	assert_int_equal(host_call(SYS_MSG_SENDINT,
				   call_name(SYS_MSG_OPEN, "first"), 0, 0, 0),
			 -EBUSY);
	host_call(SYS_MSG_SENDINT, d, 0, 0, 0);
	back = call_name(SYS_MSG_OPEN, "first");
	assert_int_equal(host_call(SYS_MSG_SENDINT, back, 0, 0, 0), -EBUSY);
	assert_ptr_equal(thread.at, domain_of(first, d));
}

static void a_receiver_that_dies_gives_its_sender_an_error(void **state)
{
	int d = new_domain();

	host_call(SYS_MSG_SENDINT, d, 0, 0, 0);
	message_end(&thread, -EFAULT);
	assert_ptr_equal(thread.at, first);
	assert_int_equal((s64)first->regs.rax, -EFAULT);
	for (uint i = 0; i < 2; i++)
		assert_int_equal(host_call(SYS_MSG_SENDINT, d, 0, 0, 0),
				 -ENOENT);
	assert_int_equal(count_of_domains(), 2);
	host_call(SYS_MSG_CLOSE, d, 0, 0, 0);
	assert_int_equal(count_of_domains(), 1);
}

static void a_name_goes_with_its_domain(void **state)
{
	int d = new_domain();

	host_call(SYS_MSG_SENDINT, d, 0, 0, 0);
	call_name(SYS_MSG_REGISTER, "mortal");
	message_end(&thread, -EFAULT);
	assert_int_equal(call_name(SYS_MSG_OPEN, "mortal"), -ENOENT);
	assert_int_equal(call_name(SYS_MSG_REGISTER, "mortal"), 0);
}

static void exit_gives_the_sender_its_code_and_ends_the_domain(void **state)
{
	int d = new_domain();

	host_call(SYS_MSG_SENDINT, d, 0, 0, 0);
	host_call(SYS_EXIT, 5, 0, 0, 0);
	assert_int_equal(first->regs.rax, 5);
	assert_int_equal(host_call(SYS_MSG_SENDINT, d, 0, 0, 0), -ENOENT);
}

static void the_end_of_the_first_domain_is_that_of_the_thread(void **state)
{
	call_name(SYS_MSG_REGISTER, "first");
	message_end(&thread, -EINTR);
	assert_null(thread.at);
	assert_int_equal(thread.status, -EINTR);
	assert_int_equal(count_of_domains(), 0);
}

static void a_thread_ends_wherever_it_is(void **state)
{
	const struct msgbuf buf = {(void *)DATA, 100, 1};

	new_domain();
	send_bufs(0, 0, &buf, 1);
	new_domain();
	send_bufs(0, 0, &buf, 1);
	call_name(SYS_MSG_REGISTER, "deepest");
	message_end_all(&thread);
	assert_null(thread.at);
	assert_int_equal(count_of_domains(), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
		T(a_number_goes_there_and_the_answer_comes_back),
		T(an_answer_is_an_int_whatever_else_is_in_the_register),
		T(each_message_begins_at_the_entry_on_an_empty_stack),
		T(the_answer_of_the_first_domain_ends_the_thread),
		T(a_thread_goes_through_many_domains_and_back),
		T(a_registered_name_can_be_opened),
		T(a_name_is_one_domains_alone_and_it_has_but_one),
		T(names_are_short_and_can_be_printed),
		T(only_open_descriptors_can_be_used),
		T(a_domain_has_so_many_descriptors_and_no_more),
		T(a_domain_goes_with_its_last_descriptor),
		T(domains_that_only_each_other_reach_go_one_after_the_other),
		T(a_domain_with_a_name_stays_when_nobody_has_it_open),
		T(threads_do_not_see_each_others_names),
		T(who_waits_for_an_answer_is_busy),
		T(a_receiver_that_dies_gives_its_sender_an_error),
		T(a_name_goes_with_its_domain),
		T(exit_gives_the_sender_its_code_and_ends_the_domain),
		T(the_end_of_the_first_domain_is_that_of_the_thread),
		T(a_thread_ends_wherever_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

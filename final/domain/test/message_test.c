/*
 * Messages on the host: whom the thread is in, what each domain sees of a
 * buffer, and what is left when one of them ends.
 */
#include "domain/test/host_domains.h"
#include "page/fail.h"

#define BUFS        (DATA + 0x800) /* a sender's struct msgbuf array */
#define TEXT_LENGTH 40

static struct domain *first;
static uint pages_at_first;

/* What the server "echo" was given last; it adds 1 to each byte. */
static struct {
	int kind, value;
	uint count, rights;
	struct server_buf bufs[MSG_BUFS];
} served;

static int echo(struct domain_thread *t, int kind, int value,
		struct server_buf *bufs, uint count)
{
	served.kind = kind;
	served.value = value;
	served.count = count;
	served.rights = t->rights;
	for (uint i = 0; i < count; i++) {
		served.bufs[i] = bufs[i];
		for (u32 k = 0; k < bufs[i].length; k++)
			((char *)bufs[i].base)[k]++;
	}
	return value + 1;
}
MSG_SERVER("echo", echo);

static int start(void **state)
{
	first = host_domains();
	pages_at_first = num_of_available_pages() + heap_pages();
	served.kind = -1;
	return 0;
}

/* Whatever a test did: nothing is left of it when its thread ends. */
static int stop(void **state)
{
	mm_fail_at = 0;
	message_end_all(&thread);
	assert_int_equal(mm_check(), 0);
	assert_int_equal(heap_objects(), 0);
	return 0;
}

/* --- What the program in the thread's last domain would do. */

static void put(struct domain *d, u64 address, const void *from, size_t size)
{
	assert_int_equal(space_write(&d->space, address, from, size), 0);
}

static void get(struct domain *d, u64 address, void *to, size_t size)
{
	assert_int_equal(space_read(&d->space, address, to, size), 0);
}

/* The system call @number, about @name, which is put into the data first. */
static s64 call_name(u64 number, const char *name)
{
	put(thread.at, DATA, name, strlen(name));
	return host_call(number, DATA, strlen(name), 0, 0);
}

static int new_domain(void)
{
	int d = call_name(SYS_NEWPROCESS, "two");

	assert_true(d >= 0);
	return d;
}

static struct domain *domain_of(struct domain *d, int descriptor)
{
	return d->messages.descriptor[descriptor].domain;
}

/* Send @count buffers; @buf is put where a program has it. */
static s64 send_bufs(u64 descriptor, int value, const struct msgbuf *buf,
		     uint count)
{
	put(thread.at, BUFS, buf, count * sizeof(*buf));
	return host_call(SYS_MSG_SENDBUF, descriptor, value, BUFS, count);
}

/* The struct msgbuf array that the domain that the thread is in, was given. */
static void get_bufs(struct msgbuf *buf)
{
	const struct trap_frame *r = &thread.at->regs;

	get(thread.at, r->rdx, buf, r->rcx * sizeof(*buf));
}

static void reply(int value)
{
	host_call(SYS_REPLY, value, 0, 0, 0);
}

static uint count_of_domains(void)
{
	uint count = 0;

	list_for_each (node, &thread.domains)
		count++;
	return count;
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

/* --- Buffers */

/* Two buffers in the sender's data: one to be read, one to be given back. */
static const struct msgbuf two_bufs[2] = {
	{.base = (void *)(DATA + 0x10), .len = TEXT_LENGTH},
	{.base = (void *)(DATA + 0x100), .len = TEXT_LENGTH, .rw = 1},
};

static int send_two_bufs(void)
{
	char text[TEXT_LENGTH];
	int d = new_domain();

	for (uint i = 0; i < 2; i++) {
		memset(text, 'a' + i, sizeof(text));
		put(first, (u64)two_bufs[i].base, text, sizeof(text));
	}
	send_bufs(d, 3, two_bufs, 2);
	return d;
}

static void a_receiver_finds_its_buffers_in_the_window(void **state)
{
	struct msgbuf buf[2];
	char text[TEXT_LENGTH];

	send_two_bufs();
	assert_int_equal(thread.at->regs.rdi, MSG_BUF);
	assert_int_equal(thread.at->regs.rsi, 3);
	assert_int_equal(thread.at->regs.rcx, 2);
	assert_true(thread.at->regs.rsp <= thread.at->regs.rdx);
	assert_int_equal(thread.at->regs.rsp % 16, 0);
	get_bufs(buf);
	for (uint i = 0; i < 2; i++) {
		assert_int_equal((u64)buf[i].base / PAGE_SIZE,
				 PROGRAM_WINDOW / PAGE_SIZE + i);
		assert_int_equal(buf[i].len, TEXT_LENGTH);
		assert_int_equal(buf[i].rw, i);
		get(thread.at, (u64)buf[i].base, text, sizeof(text));
		for (uint k = 0; k < TEXT_LENGTH; k++)
			assert_int_equal(text[k], 'a' + i);
	}
}

static void what_is_written_comes_back_where_that_was_asked_for(void **state)
{
	char text[TEXT_LENGTH] = "changed";
	struct msgbuf buf[2];

	send_two_bufs();
	get_bufs(buf);
	assert_int_equal(space_write(&thread.at->space, (u64)buf[0].base, text,
				     sizeof(text)),
			 -EFAULT);
	put(thread.at, (u64)buf[1].base, text, sizeof(text));
	get(first, (u64)two_bufs[1].base, text, sizeof(text));
	assert_int_equal(text[0], 'b');
	reply(1);
	assert_int_equal(first->regs.rax, 1);
	get(first, (u64)two_bufs[1].base, text, sizeof(text));
	assert_string_equal(text, "changed");
	get(first, (u64)two_bufs[0].base, text, sizeof(text));
	assert_int_equal(text[0], 'a');
}

static void nothing_comes_back_from_a_receiver_that_dies(void **state)
{
	char text[TEXT_LENGTH] = "half";
	struct msgbuf buf[2];

	send_two_bufs();
	get_bufs(buf);
	put(thread.at, (u64)buf[1].base, text, sizeof(text));
	message_end(&thread, -EFAULT);
	get(first, (u64)two_bufs[1].base, text, sizeof(text));
	assert_int_equal(text[0], 'b');
}

static void the_window_is_shut_after_the_answer(void **state)
{
	int d = send_two_bufs();
	struct domain *second = domain_of(first, d);
	char byte;

	reply(0);
	for (u64 i = 0; i < MSG_BUFS; i++)
		assert_int_equal(space_read(&second->space,
					    PROGRAM_WINDOW + i * PAGE_SIZE,
					    &byte, 1),
				 -EFAULT);
}

/* All of the window that the thread's domain can see, into @page. */
static uint get_window(char page[MSG_BUFS][PAGE_SIZE])
{
	uint mapped = 0;

	while (mapped < MSG_BUFS &&
	       !space_read(&thread.at->space,
			   PROGRAM_WINDOW + mapped * PAGE_SIZE, page[mapped],
			   PAGE_SIZE))
		mapped++;
	return mapped;
}

/* Not one byte of the window is of anybody but the sender. */
static void assert_window_has_only(const char *letters)
{
	static char page[MSG_BUFS][PAGE_SIZE];
	uint pages = get_window(page);

	assert_true(pages > 0);
	for (uint i = 0; i < pages; i++)
		for (uint k = 0; k < PAGE_SIZE; k++)
			assert_true(!page[i][k] || strchr(letters, page[i][k]));
}

static void the_pages_of_a_buffer_show_nothing_else(void **state)
{
	send_two_bufs(); /* memory was full of OLD before */
	assert_window_has_only("ab");
}

static void a_shorter_message_shows_nothing_of_the_one_before(void **state)
{
	const struct msgbuf small = {(void *)(DATA + 0x200), 3, 0};
	int d = send_two_bufs();

	reply(0);
	put(first, DATA + 0x200, "zzz", 3);
	send_bufs(d, 0, &small, 1);
	assert_window_has_only("z");
}

static void messages_under_way_share_no_page(void **state)
{
	const struct msgbuf letter = {(void *)(DATA + 0x200), 3, 1};

	send_two_bufs();
	new_domain();
	put(thread.at, DATA + 0x200, "zzz", 3);
	send_bufs(0, 0, &letter, 1);
	assert_window_has_only("z");
	reply(0);
	assert_window_has_only("ab");
}

static void an_empty_buffer_is_a_buffer(void **state)
{
	const struct msgbuf empty = {(void *)DATA, 0, 1};
	struct msgbuf buf;

	send_bufs(new_domain(), 0, &empty, 1);
	assert_ptr_not_equal(thread.at, first);
	get_bufs(&buf);
	assert_int_equal(buf.len, 0);
	reply(0);
	assert_int_equal(first->regs.rax, 0);
}

static void four_buffers_of_a_page_each_fit(void **state)
{
	struct msgbuf buf[MSG_BUFS];

	for (uint i = 0; i < MSG_BUFS; i++)
		buf[i] = (struct msgbuf){(void *)STACK, MSG_BUF_MAX, 1};
	send_bufs(new_domain(), 0, buf, MSG_BUFS);
	get_bufs(buf);
	for (uint i = 0; i < MSG_BUFS; i++)
		assert_int_equal((u64)buf[i].base,
				 PROGRAM_WINDOW + i * PAGE_SIZE);
	reply(0);
	assert_int_equal(first->regs.rax, 0);
}

/* Each is refused with @error, and costs nothing. */
static void assert_refused(u64 base, u32 length, u32 rw, int error)
{
	const struct msgbuf buf[2] = {
		{(void *)DATA, 8, 0},
		{(void *)base, length, rw},
	};
	uint objects = heap_objects();

	assert_int_equal(send_bufs(0, 0, buf, 2), error);
	assert_ptr_equal(thread.at, first);
	assert_true(heap_objects() <= objects + 3); /* the pool, its block */
	assert_int_equal(mm_check(), 0);
}

static void buffers_that_are_not_the_senders_are_refused(void **state)
{
	new_domain();
	assert_refused(DATA, MSG_BUF_MAX + 1, 0, -E2BIG);
	assert_refused(DATA, UINT32_MAX, 0, -E2BIG);
	assert_refused(0, 8, 0, -EFAULT);
	assert_refused(DATA + 2 * PAGE_SIZE - 4, 8, 0, -EFAULT);
	assert_refused(PROGRAM_STACK_TOP - 4, 8, 0, -EFAULT);
	assert_refused(STACK - 4, 8, 0, -EFAULT);
	assert_refused(PROGRAM_WINDOW, 8, 0, -EFAULT);
	assert_refused(VMM_VIRT, 8, 0, -EFAULT);
	assert_refused(VMM_VIRT - 4, 8, 0, -EFAULT);
	assert_refused(-4UL, 8, 0, -EFAULT);
	assert_refused(1UL << 63, 8, 1, -EFAULT);
	assert_refused(TEXT, 8, 1, -EFAULT);
	assert_refused(RODATA, 8, 1, -EFAULT);
	assert_int_equal(host_call(SYS_MSG_SENDBUF, 0, 0, DATA, MSG_BUFS + 1),
			 -E2BIG);
	assert_int_equal(host_call(SYS_MSG_SENDBUF, 0, 0, DATA, 1UL << 32),
			 -E2BIG);
	assert_int_equal(host_call(SYS_MSG_SENDBUF, 0, 0, VMM_VIRT, 1),
			 -EFAULT);
	assert_int_equal(host_call(SYS_MSG_SENDBUF, 0, 0, -16UL, 2), -EFAULT);
}

static void text_and_constants_can_be_sent(void **state)
{
	const struct msgbuf buf[2] = {
		{(void *)TEXT, 8, 0},
		{(void *)(DATA - 4), 8, 0},
	};

	send_bufs(new_domain(), 0, buf, 2);
	assert_ptr_not_equal(thread.at, first);
}

/* The n-th allocation fails, for each n: an error, and nothing is lost. */
static void no_memory_is_an_error_and_loses_nothing(void **state)
{
	const struct msgbuf buf[2] = {
		{(void *)DATA, 2000, 1},
		{(void *)DATA, 3000, 0},
	};
	int d = -1, sent = -1;

	for (u64 n = 1; sent < 0; n++) {
		mm_fail_at = mm_allocations + n;
		d = call_name(SYS_NEWPROCESS, "two");
		if (d < 0)
			continue;
		sent = send_bufs(d, 0, buf, 2);
		mm_fail_at = 0;
		assert_int_equal(mm_check(), 0);
		assert_true(sent == 0 || sent == -ENOMEM);
		if (sent < 0)
			assert_int_equal(host_call(SYS_MSG_CLOSE, d, 0, 0, 0),
					 0);
		assert_true(n < 100);
	}
	assert_ptr_equal(thread.at, domain_of(first, d));
	reply(0);
	assert_int_equal(first->regs.rax, 0);
}

/* --- Receivers in Vellum */

static void a_server_answers_at_once(void **state)
{
	int d = call_name(SYS_MSG_OPEN, "echo");

	thread.rights = RIGHT_INSPECT;
	assert_int_equal(host_call(SYS_MSG_SENDINT, d, 41, 0, 0), 42);
	assert_int_equal(served.kind, MSG_INT);
	assert_int_equal(served.value, 41);
	assert_int_equal(served.count, 0);
	assert_int_equal(served.rights, RIGHT_INSPECT);
	assert_ptr_equal(thread.at, first);
}

static void a_server_gets_copies_and_gives_back_what_may_change(void **state)
{
	char text[2][8] = {"abc", "xyz"};
	const struct msgbuf buf[2] = {
		{(void *)DATA, 4, 0},
		{(void *)(DATA + 8), 4, 1},
	};
	int d = call_name(SYS_MSG_OPEN, "echo");

	put(first, DATA, text, sizeof(text));
	assert_int_equal(send_bufs(d, 0, buf, 2), 1);
	assert_int_equal(served.kind, MSG_BUF);
	assert_int_equal(served.count, 2);
	assert_false(served.bufs[0].rw);
	assert_true(served.bufs[1].rw);
	assert_int_equal(served.bufs[1].length, 4);
	get(first, DATA, text, sizeof(text));
	assert_string_equal(text[0], "abc");
	assert_memory_equal(text[1], "yz{\x01", 4);
}

static void a_receiver_asks_a_server_while_it_has_a_message(void **state)
{
	const struct msgbuf letter = {(void *)(DATA + 0x200), 3, 1};

	send_two_bufs();
	put(thread.at, DATA + 0x200, "zzz", 3);
	assert_int_equal(
		send_bufs(call_name(SYS_MSG_OPEN, "echo"), 0, &letter, 1), 1);
	assert_int_equal(thread.at->messages.received.count, 2);
	reply(0);
	assert_int_equal(first->regs.rax, 0);
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
		T(a_receiver_finds_its_buffers_in_the_window),
		T(what_is_written_comes_back_where_that_was_asked_for),
		T(nothing_comes_back_from_a_receiver_that_dies),
		T(the_window_is_shut_after_the_answer),
		T(the_pages_of_a_buffer_show_nothing_else),
		T(a_shorter_message_shows_nothing_of_the_one_before),
		T(messages_under_way_share_no_page),
		T(an_empty_buffer_is_a_buffer),
		T(four_buffers_of_a_page_each_fit),
		T(buffers_that_are_not_the_senders_are_refused),
		T(text_and_constants_can_be_sent),
		T(no_memory_is_an_error_and_loses_nothing),
		T(a_server_answers_at_once),
		T(a_server_gets_copies_and_gives_back_what_may_change),
		T(a_receiver_asks_a_server_while_it_has_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

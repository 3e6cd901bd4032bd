/*
 * Buffers of messages on the host: what each domain sees of them, what comes
 * back, and what the receivers in Vellum get.
 */
#include "console/printf.h"
#include "domain/test/host_domains.h"
#include "page/fail.h"

#define TEXT_LENGTH 40

static struct domain *first;

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
	served.kind = -1;
	return 0;
}

/* Whatever a test did: nothing is left of it when its thread ends. */
static int stop(void **state)
{
	host_domains_end();
	return 0;
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

static void free_prints_the_pages_to_the_log_and_answers_with_them(void **state)
{
	int d = call_name(SYS_MSG_OPEN, "free");
	char line[64];
	s64 pages = host_call(SYS_MSG_SENDINT, d, 0, 0, 0);

	assert_int_equal(pages, num_of_available_pages());
	snprintf(line, sizeof(line), "free: %ld pages, %ld KiB\n", pages,
		 pages * 4);
	assert_non_null(strstr(host_printed, line));
}

static void only_who_may_change_things_can_make_vellum_panic(void **state)
{
	int d = call_name(SYS_MSG_OPEN, "panic");

	thread.rights = RIGHT_INSPECT;
	assert_int_equal(host_call(SYS_MSG_SENDINT, d, 0, 0, 0), -EPERM);
	thread.rights = RIGHT_INSPECT | RIGHT_CHANGE;
	assert_panics(host_call(SYS_MSG_SENDINT, d, 0, 0, 0),
		      "a program asked for it");
}

/* Its words have a NUL behind each; what can't be printed is not. */
static void a_panic_has_the_text_that_was_sent(void **state)
{
	static const char words[] = "out\0of\0\x1b[2Jhere";
	const struct msgbuf buf = {(void *)DATA, sizeof(words), 0};
	const struct msgbuf nothing = {(void *)DATA, 1, 0};
	int d = call_name(SYS_MSG_OPEN, "panic");

	thread.rights = RIGHT_CHANGE;
	put(first, DATA, words, sizeof(words));
	assert_panics(send_bufs(d, 0, &buf, 1), "out of  [2Jhere");
	assert_string_equal(host_panic_message, "out of  [2Jhere");
	put(first, DATA, "\0", 1);
	assert_panics(send_bufs(d, 0, &nothing, 1), "a program asked for it");
	assert_string_equal(host_panic_message, "a program asked for it");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
	const struct CMUnitTest tests[] = {
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
		T(free_prints_the_pages_to_the_log_and_answers_with_them),
		T(only_who_may_change_things_can_make_vellum_panic),
		T(a_panic_has_the_text_that_was_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

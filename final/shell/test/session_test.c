/*
 * The debug shell's session: who may open it, what goes in and comes out, and
 * when it is over. The thread of programs is played by this test.
 */
#include "shell/session.c"

#include "host.h"

#define NOBODY 0

/* What the programs do when they run next, and what became of them. */
static struct {
	int start_error;
	enum thread_stop stop;
	int status;
	const char *says; /* at each run, */
	uint times;       /* so often, as far as there is room */
	uint runs, starts, ends;
	char heard[INPUT_SIZE + 1]; /* all that was read */
	bool reads, nested;
	int value;
	void (*meanwhile)(void); /* another CPU */
} fake;

int thread_start(struct domain_thread *t, const char *program, int value)
{
	assert_string_equal(program, "init");
	fake.starts++;
	fake.value = value;
	return fake.start_error;
}

enum thread_stop thread_run(struct domain_thread *t, uint slices)
{
	int c;

	assert_ptr_equal(t, &session.thread);
	assert_int_equal(slices, 1);
	fake.runs++;
	if (fake.meanwhile)
		fake.meanwhile();
	while (fake.reads && (c = t->io->read(t)) >= 0) {
		char text[2] = {(char)c, '\0'};

		strcat(fake.heard, text);
	}
	for (uint i = 0; fake.says && i < fake.times && !t->io->full(t); i++)
		t->io->write(t, fake.says, strlen(fake.says));
	t->status = fake.status;
	return fake.stop;
}

void thread_end(struct domain_thread *t)
{
	fake.ends++;
}

/* As after the boot, with programs that run for ever and say nothing. */
static int begin(void **state)
{
	memset(&session, 0, sizeof(session));
	memset(&fake, 0, sizeof(fake));
	fake.stop = THREAD_YIELDED;
	fake.times = 1;
	host_cpu_reset();
	return 0;
}

static u64 opened(u32 rights)
{
	u64 id, silence;

	assert_int_equal(session_open(rights, 0, &id, &silence), 0);
	return id;
}

static int error_of_open(u32 rights)
{
	u64 id = 1, silence;
	int error = session_open(rights, 0, &id, &silence);

	assert_true(error && (error == -EAGAIN || !id));
	return error;
}

static struct session_reply ran(u32 rights, u64 id)
{
	struct session_reply reply;

	assert_int_equal(session_run(rights, id, &reply), 0);
	return reply;
}

static void type(u32 rights, u64 id, const char *text)
{
	assert_int_equal(session_write(rights, id, text, strlen(text)),
			 strlen(text));
}

static void a_second_client_finds_it_busy(void **state)
{
	u64 id = opened(NOBODY), other, silence;

	host_tsc += 1000;
	assert_int_equal(session_open(NOBODY, 0, &other, &silence), -EBUSY);
	assert_in_range(silence, 1000, 1010);
	assert_int_equal(other, 0);
	ran(NOBODY, id);
	assert_int_equal(fake.ends, 0);
}

static void who_closes_makes_room_for_the_next(void **state)
{
	u64 first = opened(NOBODY), second;

	assert_int_equal(session_close(NOBODY, first), 0);
	assert_int_equal(fake.ends, 1);
	second = opened(RIGHT_INSPECT);
	assert_int_not_equal(first, second);
	assert_int_equal(session_close(NOBODY, first), -ENOENT);
	assert_int_equal(session_close(RIGHT_INSPECT, second), 0);
	assert_int_equal(session_close(RIGHT_INSPECT, second), -ENOENT);
	assert_int_equal(fake.starts, 2);
	assert_int_equal(fake.ends, 2);
}

static void a_client_that_is_silent_for_long_is_dead(void **state)
{
	u64 first = opened(RIGHT_INSPECT), second;

	host_tsc += SESSION_DEAD - 10;
	assert_int_equal(error_of_open(RIGHT_INSPECT), -EBUSY);
	ran(RIGHT_INSPECT, first); /* a word from it, and it lives */
	host_tsc += SESSION_DEAD - 10;
	assert_int_equal(error_of_open(RIGHT_INSPECT), -EBUSY);
	host_tsc += 20;
	second = opened(RIGHT_INSPECT);
	assert_int_equal(fake.ends, 1);
	assert_int_equal(session_write(RIGHT_INSPECT, first, "x", 1), -ENOENT);
	ran(RIGHT_INSPECT, second);
}

/* Wrong calls are no sign of the client's. */
static void nobody_else_keeps_a_dead_client_alive(void **state)
{
	u64 id = opened(RIGHT_INSPECT);
	struct session_reply reply;

	host_tsc += SESSION_DEAD;
	assert_int_equal(session_run(RIGHT_INSPECT, id + 1, &reply), -ENOENT);
	assert_int_equal(session_run(NOBODY, id, &reply), -EPERM);
	opened(RIGHT_INSPECT);
}

static void a_clock_that_is_set_back_starts_the_wait_anew(void **state)
{
	host_tsc = 5 * SESSION_DEAD;
	opened(NOBODY);
	host_tsc = SESSION_DEAD;
	assert_int_equal(error_of_open(NOBODY), -EBUSY);
	host_tsc += SESSION_DEAD - 10;
	assert_int_equal(error_of_open(NOBODY), -EBUSY);
	host_tsc += 20;
	opened(NOBODY);
}

static void root_takes_it_over_from_who_has_no_rights(void **state)
{
	u64 user = opened(NOBODY), root = opened(RIGHT_INSPECT);

	assert_int_equal(fake.ends, 1);
	assert_int_equal(session_write(NOBODY, user, "x", 1), -ENOENT);
	assert_int_equal(error_of_open(NOBODY), -EBUSY);
	assert_int_equal(error_of_open(RIGHT_INSPECT), -EBUSY);
	ran(RIGHT_INSPECT, root);
}

static void a_session_belongs_to_the_door_that_opened_it(void **state)
{
	struct session_reply reply;
	u64 id = opened(RIGHT_INSPECT | RIGHT_CHANGE);

	assert_int_equal(session_write(NOBODY, id, "dump\n", 5), -EPERM);
	assert_int_equal(session_run(NOBODY, id, &reply), -EPERM);
	assert_int_equal(session_run(RIGHT_INSPECT, id, &reply), -EPERM);
	assert_int_equal(session_close(NOBODY, id), -EPERM);
	assert_int_equal(session.in.used, 0);
	assert_int_equal(fake.runs, 0);
	assert_int_equal(fake.ends, 0);
}

static void no_id_is_good_where_nothing_is_open(void **state)
{
	struct session_reply reply;

	for (u64 id = 0; id < 3; id++) {
		assert_int_equal(session_run(NOBODY, id, &reply), -ENOENT);
		assert_int_equal(session_write(NOBODY, id, "", 0), -ENOENT);
		assert_int_equal(session_close(NOBODY, id), -ENOENT);
	}
}

static void the_first_program_gets_rights_and_value(void **state)
{
	u64 id, silence;

	assert_int_equal(session_open(RIGHT_INSPECT, 7, &id, &silence), 0);
	assert_int_equal(fake.value, 7);
	assert_int_equal(session.thread.rights, RIGHT_INSPECT);
	assert_ptr_equal(session.thread.io, &session_io);
}

static void what_cannot_start_leaves_nothing_open(void **state)
{
	fake.start_error = -ENOMEM;
	assert_int_equal(error_of_open(NOBODY), -ENOMEM);
	assert_int_equal(error_of_open(NOBODY), -ENOMEM);
	fake.start_error = -EBUSY; /* by a thread that is none of a session's */
	assert_int_equal(error_of_open(NOBODY), -EAGAIN);
	fake.start_error = 0;
	opened(NOBODY);
	assert_int_equal(fake.ends, 0);
}

static void output_comes_in_pieces_and_whole(void **state)
{
	char text[101] = "", got[200] = "";
	u64 id = opened(NOBODY);
	struct session_reply reply;

	for (uint i = 0; i < 100; i++)
		text[i] = ' ' + i % 90;
	fake.says = text;
	fake.stop = THREAD_READS;
	do {
		reply = ran(NOBODY, id);
		fake.says = NULL;
		assert_in_range(reply.length, 1, SESSION_TEXT_OUT);
		strncat(got, reply.text, reply.length);
		assert_false(reply.lost);
	} while (reply.state == SESSION_MORE);
	assert_int_equal(reply.state, SESSION_READS);
	assert_string_equal(got, text);
	assert_int_equal(fake.runs, 2); /* not while a piece was left */
}

static void who_writes_without_end_is_parked(void **state)
{
	char text[WRITE_MOST + 1] = "";
	u64 id = opened(NOBODY);

	memset(text, 'x', WRITE_MOST);
	fake.says = text;
	fake.times = 100;
	for (uint i = 0; i < 10000; i++)
		assert_false(ran(NOBODY, id).lost);
}

static void output_without_room_is_reported_once(void **state)
{
	u64 id = opened(NOBODY);
	char text[OUTPUT_SIZE + 8] = "";

	memset(text, 'x', OUTPUT_SIZE + 1);
	fake.says = text;
	assert_true(ran(NOBODY, id).lost);
	fake.says = NULL;
	assert_false(ran(NOBODY, id).lost);
}

static void input_is_read_in_order(void **state)
{
	u64 id = opened(NOBODY);

	fake.reads = true;
	fake.stop = THREAD_READS;
	for (uint i = 0; i < 20; i++) {
		type(NOBODY, id, "free and help\r");
		assert_int_equal(ran(NOBODY, id).state, SESSION_READS);
		assert_string_equal(fake.heard, "free and help\r");
		fake.heard[0] = '\0';
	}
}

static void eight_bit_characters_are_no_errors(void **state)
{
	u64 id = opened(NOBODY);

	type(NOBODY, id, "\xff\xf5");
	assert_int_equal(read_input(&session.thread), 0xff);
	assert_int_equal(read_input(&session.thread), 0xf5);
	assert_int_equal(read_input(&session.thread), -EAGAIN);
	ran(NOBODY, id);
}

/* The client would else wait for a key, with an answer on its way. */
static void after_input_it_runs_before_it_waits_again(void **state)
{
	u64 id = opened(NOBODY);

	fake.stop = THREAD_READS;
	fake.says = "a line of thirty-two characters\n"
		    "another, of as many as the first";
	assert_int_equal(ran(NOBODY, id).state, SESSION_MORE);
	type(NOBODY, id, "\r");
	fake.says = NULL;
	fake.stop = THREAD_YIELDED;
	assert_int_equal(ran(NOBODY, id).state, SESSION_MORE);
}

static void input_without_room_is_not_taken(void **state)
{
	char text[INPUT_SIZE + 10] = "";
	u64 id = opened(NOBODY);

	memset(text, 'y', sizeof(text));
	assert_int_equal(session_write(NOBODY, id, text, sizeof(text)),
			 INPUT_SIZE);
	assert_int_equal(session_write(NOBODY, id, text, 1), 0);
	fake.reads = true;
	ran(NOBODY, id);
	assert_int_equal(strlen(fake.heard), INPUT_SIZE);
	assert_int_equal(session_write(NOBODY, id, text, 1), 1);
}

static void ctrl_c_is_never_read_but_interrupts(void **state)
{
	u64 id = opened(NOBODY);

	fake.reads = true;
	type(NOBODY, id,
	     "typed ahead\x03"
	     "and after\r");
	assert_true(session.thread.interrupted);
	ran(NOBODY, id);
	assert_string_equal(fake.heard, "and after\r");
}

static void ctrl_c_is_taken_where_there_is_no_room_for_more(void **state)
{
	char text[INPUT_SIZE] = "";
	u64 id = opened(NOBODY);

	memset(text, 'y', sizeof(text));
	type(NOBODY, id, "");
	session_write(NOBODY, id, text, sizeof(text));
	type(NOBODY, id, "\x03");
	assert_true(session.thread.interrupted);
	assert_int_equal(session.in.used, 0);
}

static void the_end_comes_after_all_output(void **state)
{
	u64 id = opened(NOBODY);
	struct session_reply reply;

	fake.says = "the last words, which are more than a piece\n";
	fake.stop = THREAD_ENDED;
	fake.status = -EFAULT;
	assert_int_equal(ran(NOBODY, id).state, SESSION_MORE);
	assert_int_equal(fake.ends, 1);
	assert_int_equal(error_of_open(NOBODY), -EBUSY); /* may still read */
	reply = ran(NOBODY, id);
	assert_int_equal(reply.state, SESSION_ENDED);
	assert_int_equal(reply.status, -EFAULT);
	assert_int_equal(ran(NOBODY, id).state, SESSION_ENDED);
	assert_int_equal(fake.runs, 1);
	assert_int_equal(session_close(NOBODY, id), 0);
	assert_int_equal(fake.ends, 1);
}

/* The other CPU's calls: none waits, none does anything. */
static void everything_comes_in_vain(void)
{
	struct session_reply reply;
	u64 id, silence;

	fake.nested = true;
	assert_int_equal(session_open(RIGHT_INSPECT, 0, &id, &silence),
			 -EAGAIN);
	assert_int_equal(session_run(NOBODY, session.id, &reply), -EAGAIN);
	assert_int_equal(session_write(NOBODY, session.id, "x", 1), -EAGAIN);
	assert_int_equal(session_close(NOBODY, session.id), -EAGAIN);
}

static void a_cpu_that_comes_meanwhile_does_not_wait(void **state)
{
	u64 id = opened(NOBODY);

	fake.meanwhile = everything_comes_in_vain;
	ran(NOBODY, id);
	assert_true(fake.nested);
	assert_int_equal(session.in.used, 0);
	assert_int_equal(fake.ends, 0);
	fake.meanwhile = NULL;
	ran(NOBODY, id); /* and nothing stays taken */
	assert_int_equal(error_of_open(NOBODY), -EBUSY);
}

static void every_error_leaves_the_door_open(void **state)
{
	struct session_reply reply;
	u64 id = opened(RIGHT_INSPECT);

	session_run(RIGHT_INSPECT, id + 1, &reply);
	session_run(NOBODY, id, &reply);
	session_write(NOBODY, id, "x", 1);
	session_close(NOBODY, id);
	error_of_open(NOBODY);
	assert_false(session.taken);
}

/* Random calls of three clients, against what the header promises. */
static void any_order_of_calls_keeps_the_promises(void **state)
{
	static const u32 rights[] = {NOBODY, RIGHT_INSPECT,
				     RIGHT_INSPECT | RIGHT_CHANGE};
	u64 owner = 0, last = 0;
	u32 owner_rights = 0;

	host_seed();
	for (u64 i = host_operations(200000); i; i--) {
		u32 r = rights[host_random(ARRAY_SIZE(rights))];
		u64 id = host_random(3) ? owner : host_random(last + 3);
		bool right = owner && id == owner && r == owner_rights;
		struct session_reply reply;
		u64 new_id, silence;
		int error;

		fake.stop = host_random(4);
		fake.says = host_random(2) ? "some words of the programs" : "";
		fake.reads = host_random(2);
		fake.heard[0] = '\0';
		switch (host_random(5)) {
		case 0:
			error = session_open(r, 0, &new_id, &silence);
			if (error) {
				assert_int_equal(error, -EBUSY);
				assert_true(owner && silence < SESSION_DEAD);
				assert_true(!r || owner_rights);
				break;
			}
			assert_true(new_id > last);
			owner = last = new_id;
			owner_rights = r;
			break;
		case 1:
			error = session_write(r, id, "text\x03more", 9);
			assert_true(right == (error >= 0));
			break;
		case 2:
			error = session_run(r, id, &reply);
			assert_true(right == !error);
			break;
		case 3:
			if (host_random(8))
				break;
			error = session_close(r, id);
			assert_true(right == !error);
			owner = error ? owner : 0;
			break;
		case 4:
			host_tsc += host_random(SESSION_DEAD / 2);
			break;
		}
		assert_true(fake.starts - fake.ends <= 1);
		assert_true(session.in.used <= INPUT_SIZE);
		assert_true(session.out.used <= OUTPUT_SIZE);
		assert_false(session.taken);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(a_second_client_finds_it_busy),
		TEST(who_closes_makes_room_for_the_next),
		TEST(a_client_that_is_silent_for_long_is_dead),
		TEST(nobody_else_keeps_a_dead_client_alive),
		TEST(a_clock_that_is_set_back_starts_the_wait_anew),
		TEST(root_takes_it_over_from_who_has_no_rights),
		TEST(a_session_belongs_to_the_door_that_opened_it),
		TEST(no_id_is_good_where_nothing_is_open),
		TEST(the_first_program_gets_rights_and_value),
		TEST(what_cannot_start_leaves_nothing_open),
		TEST(output_comes_in_pieces_and_whole),
		TEST(who_writes_without_end_is_parked),
		TEST(output_without_room_is_reported_once),
		TEST(input_is_read_in_order),
		TEST(eight_bit_characters_are_no_errors),
		TEST(after_input_it_runs_before_it_waits_again),
		TEST(input_without_room_is_not_taken),
		TEST(ctrl_c_is_never_read_but_interrupts),
		TEST(ctrl_c_is_taken_where_there_is_no_room_for_more),
		TEST(the_end_comes_after_all_output),
		TEST(a_cpu_that_comes_meanwhile_does_not_wait),
		TEST(every_error_leaves_the_door_open),
		TEST(any_order_of_calls_keeps_the_promises),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

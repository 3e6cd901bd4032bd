/*
 * The debug shell's doors: which registers mean what, and who gets which
 * rights. The session is played by this test.
 */
#include "shell/door.c"

#include "boot/boot_info.h"
#include "host.h"

#define MAGIC HYPERCALL_MAGIC

struct boot_info boot_info;

static struct vcpu vcpu;
static struct io_watch *watched;
static bool hypercalls;

/* The last call of the session. */
static struct {
	uint calls;
	u32 rights;
	u64 id;
	int value;
	char text[SESSION_TEXT_IN + 1];
	uint length;
	int result; /* of the next */
	struct session_reply reply;
} fake;

struct vcpu *vcpu_current(void)
{
	return &vcpu;
}

bool hypercall_is_allowed(void)
{
	return hypercalls;
}

void io_watch(struct io_watch *watch)
{
	watched = watch;
}

bool setting_flag(const struct setting *setting)
{
	return strstr(boot_info.cmdline, setting->name);
}

static int called(u32 rights, u64 id)
{
	fake.calls++;
	fake.rights = rights;
	fake.id = id;
	return fake.result;
}

int session_open(u32 rights, int value, u64 *id, u64 *silence)
{
	fake.value = value;
	*id = 0x1234;
	*silence = 99;
	return called(rights, 0);
}

int session_write(u32 rights, u64 id, const char *text, uint length)
{
	assert_in_range(length, 0, SESSION_TEXT_IN);
	memcpy(fake.text, text, length);
	fake.text[length] = '\0';
	fake.length = length;
	return called(rights, id);
}

int session_run(u32 rights, u64 id, struct session_reply *reply)
{
	*reply = fake.reply;
	return called(rights, id);
}

int session_close(u32 rights, u64 id)
{
	return called(rights, id);
}

static int begin(void **state)
{
	memset(&fake, 0, sizeof(fake));
	memset(&vcpu, 0, sizeof(vcpu));
	watched = NULL;
	hypercalls = true;
	strcpy(boot_info.cmdline, "");
	shell_open_doors();
	return 0;
}

static void set_registers(u64 rcx, u64 rsi)
{
	vcpu.regs = (struct guest_regs){
		.rax = MAGIC, .rbx = HYPERCALL_SHELL, .rcx = rcx, .rsi = rsi};
}

static s64 by_hypercall(u64 rcx, u64 rsi)
{
	set_registers(rcx, rsi);
	return hypercall_8.call(&vcpu);
}

static s64 by_port(u64 rcx, u64 rsi)
{
	set_registers(rcx, rsi);
	assert_int_equal(watched->write(watched, MAGIC & 0xff), MAGIC & 0xff);
	return vcpu.regs.rax;
}

static void a_hypercall_has_no_rights_whatever_the_words(void **state)
{
	strcpy(boot_info.cmdline, "hypercall debug");
	for (uint call = SHELL_OPEN; call <= SHELL_CLOSE; call++) {
		by_hypercall(call, 7);
		assert_int_equal(fake.calls, call + 1);
		assert_int_equal(fake.rights, 0);
	}
}

static void the_port_may_inspect_and_with_a_word_change(void **state)
{
	by_port(SHELL_OPEN, 0);
	assert_int_equal(fake.rights, RIGHT_INSPECT);
	assert_int_equal(vcpu.regs.rdx, RIGHT_INSPECT);
	strcpy(boot_info.cmdline, "hypercall debug");
	for (uint call = SHELL_OPEN; call <= SHELL_CLOSE; call++) {
		by_port(call, 7);
		assert_int_equal(fake.rights, RIGHT_INSPECT | RIGHT_CHANGE);
	}
}

static void without_hypercalls_no_port_is_watched(void **state)
{
	watched = NULL;
	hypercalls = false;
	shell_open_doors();
	assert_null(watched);
}

static void other_writes_to_the_port_are_none_of_ours(void **state)
{
	struct guest_regs before;

	for (uint i = 0; i < 256; i++) {
		set_registers(SHELL_CLOSE, 0);
		vcpu.regs.rax = i % 2 ? (MAGIC & 0xff) | i << 8 : i;
		before = vcpu.regs;
		assert_int_equal(watched->write(watched, i), i);
		assert_memory_equal(&before, &vcpu.regs, sizeof(before));
	}
	set_registers(SHELL_CLOSE, 0);
	vcpu.regs.rbx = HYPERCALL_SHELL + 1;
	watched->write(watched, 0);
	assert_int_equal(vcpu.regs.rax, MAGIC);
	assert_int_equal(fake.calls, 0);
}

static void open_gives_id_and_rights_or_the_others_silence(void **state)
{
	assert_int_equal(by_hypercall(SHELL_OPEN, SHELL_ONE), 0);
	assert_int_equal(fake.value, SHELL_ONE);
	assert_int_equal(vcpu.regs.rbx, 0x1234);
	assert_int_equal(vcpu.regs.rdx, 0);
	fake.result = -EBUSY;
	assert_int_equal(by_hypercall(SHELL_OPEN, 0), -EBUSY);
	assert_int_equal(vcpu.regs.rsi, 99);
}

static void input_is_as_long_as_it_says_and_no_longer_than_fits(void **state)
{
	for (uint length = 0; length < 256; length++) {
		set_registers(SHELL_WRITE | length << 8, 5);
		memcpy(&vcpu.regs.rdi, "abcdefgh", 8);
		memcpy(&vcpu.regs.r8, "ijklmnop", 8);
		fake.result = 3;
		assert_int_equal(hypercall_8.call(&vcpu), 0);
		assert_int_equal(vcpu.regs.rbx, 3);
		assert_int_equal(fake.length, MIN(length, 16U));
		assert_memory_equal(fake.text, "abcdefghijklmnop", fake.length);
	}
	fake.result = -ENOENT;
	assert_int_equal(by_hypercall(SHELL_WRITE | 16 << 8, 5), -ENOENT);
}

static void a_run_tells_text_state_and_status(void **state)
{
	fake.reply = (struct session_reply){
		.text = "0123456789abcdefghijklmnopqrstu",
		.length = 31,
		.state = SESSION_ENDED,
		.status = -EFAULT,
		.lost = true,
	};
	assert_int_equal(by_port(SHELL_RUN, 6), 0);
	assert_int_equal(fake.id, 6);
	assert_memory_equal(&vcpu.regs.rbx, "01234567", 8);
	assert_memory_equal(&vcpu.regs.rsi, "89abcdef", 8);
	assert_memory_equal(&vcpu.regs.rdi, "ghijklmn", 8);
	assert_memory_equal(&vcpu.regs.r8, "opqrstu", 8);
	assert_int_equal(vcpu.regs.rdx & 0xff, 31);
	assert_int_equal(vcpu.regs.rdx >> 8 & 0xff, SESSION_ENDED);
	assert_int_equal(vcpu.regs.rdx >> 16 & 0xff, 1);
	assert_int_equal((int)(vcpu.regs.rdx >> 32), -EFAULT);
}

static void a_run_that_fails_changes_no_register(void **state)
{
	struct guest_regs before;

	fake.result = -EPERM;
	set_registers(SHELL_RUN, 6);
	before = vcpu.regs;
	assert_int_equal(hypercall_8.call(&vcpu), -EPERM);
	assert_memory_equal(&before, &vcpu.regs, sizeof(before));
}

static void a_call_that_there_is_not_is_refused(void **state)
{
	for (uint call = SHELL_CLOSE + 1; call < 256; call++)
		assert_int_equal(by_hypercall(call, 0), -EINVAL);
	assert_int_equal(fake.calls, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(a_hypercall_has_no_rights_whatever_the_words),
		TEST(the_port_may_inspect_and_with_a_word_change),
		TEST(without_hypercalls_no_port_is_watched),
		TEST(other_writes_to_the_port_are_none_of_ours),
		TEST(open_gives_id_and_rights_or_the_others_silence),
		TEST(input_is_as_long_as_it_says_and_no_longer_than_fits),
		TEST(a_run_tells_text_state_and_status),
		TEST(a_run_that_fails_changes_no_register),
		TEST(a_call_that_there_is_not_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Resets: all ways in turn, none twice. Each runs in a process of its own,
 * which ends where the machine would stop: at a privileged instruction.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "host.h"
#include "lib/reset.h"

enum trouble {
	NOWHERE,
	IN_PREPARE,
	IN_FIRMWARE,
	IN_CHIPSET,
	IN_KEYBOARD
};

static enum trouble trouble;
static bool busy;  /* the keyboard controller takes no command */
static char *told; /* what was done; shared with the parent */

static void tell(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	libc_vsnprintf(told + strlen(told), 256, format, args);
	va_end(args);
}

/* What a panic does in the end. */
static void step(enum trouble where)
{
	if (where != trouble)
		return;
	tell("fault\n");
	machine_reset();
}

int printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	libc_vsnprintf(told + strlen(told), 256, format, args);
	va_end(args);
	return 0;
}

u8 inb(u16 port)
{
	return busy ? 2 : 0;
}

void outb(u16 port, u8 value)
{
	tell("0x%x=0x%x\n", port, value);
	step(port == 0xcf9 ? IN_CHIPSET : IN_KEYBOARD);
}

static void prepare(void)
{
	tell("prepare\n");
	step(IN_PREPARE);
}

static void firmware(void)
{
	tell("firmware\n");
	step(IN_FIRMWARE);
}

static void stopped(int signal)
{
	_exit(0);
}

static const char *reset_with(enum trouble where)
{
	int status;
	pid_t child;

	told[0] = '\0';
	child = fork();
	if (child == 0) {
		signal(SIGSEGV, stopped);
		trouble = where;
		machine_reset();
	}
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	return told;
}

#define CHIPSET  "reset: the chipset, port 0xcf9\n0xcf9=0x2\n0xcf9=0x6\n"
#define KEYBOARD "reset: the keyboard controller, port 0x64\n0x64=0xfe\n"
#define FAULT    "reset: a triple fault\n"

static void all_ways_are_tried_in_their_order(void **state)
{
	assert_string_equal(reset_with(NOWHERE), CHIPSET KEYBOARD FAULT);
	busy = true; /* it is not waited for without end */
	assert_string_equal(reset_with(NOWHERE), CHIPSET KEYBOARD FAULT);
	busy = false;
}

static void later_layers_come_first(void **state)
{
	machine_reset_prepare = prepare;
	machine_reset_by_firmware = firmware;
	assert_string_equal(reset_with(NOWHERE),
			    "prepare\nfirmware\n" CHIPSET KEYBOARD FAULT);
}

static void a_way_that_faults_is_not_tried_again(void **state)
{
	machine_reset_prepare = prepare;
	machine_reset_by_firmware = firmware;
	assert_string_equal(
		reset_with(IN_PREPARE),
		"prepare\nfault\nfirmware\n" CHIPSET KEYBOARD FAULT);
	assert_string_equal(
		reset_with(IN_FIRMWARE),
		"prepare\nfirmware\nfault\n" CHIPSET KEYBOARD FAULT);
	assert_string_equal(
		reset_with(IN_CHIPSET),
		"prepare\nfirmware\nreset: the chipset, port 0xcf9\n0xcf9=0x2\n"
		"fault\n" KEYBOARD FAULT);
	assert_string_equal(reset_with(IN_KEYBOARD),
			    "prepare\nfirmware\n" CHIPSET KEYBOARD
			    "fault\n" FAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_ways_are_tried_in_their_order),
		cmocka_unit_test(later_layers_come_first),
		cmocka_unit_test(a_way_that_faults_is_not_tried_again),
	};

	told = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

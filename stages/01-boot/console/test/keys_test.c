/*
 * Keys after a panic. The test plays the keyboard controller and COM1's UART;
 * what drives them are keys.c and serial.c as they are.
 */
#include "console/keys.h"

#include "console/serial.c"
#include "host.h"

#define ABSENT     0xff /* as a status: nobody is there */
#define FULL       0x01 /* a byte can be read, from either device */
#define BUSY       0x02 /* the keyboard controller takes no byte */
#define MOUSE      0x20
#define CUT        0x10 /* the serial line was cut: no character */
#define UART_EMPTY LSR_THRE

#define WAITS 1000 /* polls after which keys_wait() counts as endless */

struct device {
	bool there;
	bool endless; /* its first byte is given again and again */
	u8 status;    /* when it has nothing to say */
	u8 flags;     /* of its bytes */
	const char *bytes;
	uint left;
	bool mute; /* a keyboard that does not answer */
	uint answers;
};

static struct device keyboard, uart;
static u8 scratch;
static uint pauses;
static jmp_buf endless;

static u8 status_of(const struct device *device)
{
	if (!device->there)
		return ABSENT;
	if (device->answers)
		return device->status | FULL;
	return device->status | (device->left ? FULL | device->flags : 0);
}

static u8 take(struct device *device)
{
	if (device->answers) {
		device->answers--;
		return 0xfa;
	}
	if (!device->there || !device->left)
		return ABSENT;
	if (device->endless)
		return *device->bytes;
	device->left--;
	return *device->bytes++;
}

u8 inb(u16 port)
{
	switch (port) {
	case 0x60:
		return take(&keyboard);
	case 0x64:
		return status_of(&keyboard);
	case 0x3f8 + UART_DATA:
		return take(&uart);
	case 0x3f8 + UART_LSR:
		return status_of(&uart);
	case 0x3f8 + UART_SCRATCH:
		return uart.there ? scratch : ABSENT;
	default:
		fail_msg("port 0x%x is nobody's", port);
		return 0;
	}
}

void outb(u16 port, u8 value)
{
	if (port == 0x3f8 + UART_SCRATCH)
		scratch = value;
	if (port == 0x60 || port == 0x64)
		assert_false(status_of(&keyboard) & BUSY);
	if (port == 0x60 && value > 0xf0)
		keyboard.answers = !keyboard.mute;
}

void cpu_pause(void)
{
	if (++pauses == WAITS)
		longjmp(endless, 1);
}

static struct console vga = {.name = "vga", .present = true};

struct console *const consoles_start[] = {&com1, &vga};

asm(".globl consoles_end\n"
    ".set consoles_end, consoles_start + 16");

static void type(struct device *device, u8 flags, const char *bytes)
{
	device->flags = flags;
	device->bytes = bytes;
	device->left = strlen(bytes);
}

/* Both devices are there; then whatever @change does; then listen. */
static bool listen_with(void (*change)(void))
{
	keyboard = (struct device){.there = true};
	uart = (struct device){.there = true, .status = UART_EMPTY};
	if (change)
		change();
	com1.present = com1.init(&com1);
	host_printed[0] = '\0';
	return keys_listen();
}

/* Does keys_wait() see a key among what there is now? */
static bool seen(void)
{
	pauses = 0;
	if (setjmp(endless))
		return false;
	keys_wait();
	return true;
}

static void nothing(void)
{
	keyboard.there = uart.there = false;
}

static void no_uart(void)
{
	uart.there = false;
}

static void no_keyboard(void)
{
	keyboard.there = false;
}

static void a_dead_controller_alone(void)
{
	no_uart();
	keyboard.status = BUSY;
}

static void a_controller_without_a_keyboard(void)
{
	keyboard.mute = true;
}

static void a_controller_alone(void)
{
	no_uart();
	keyboard.mute = true;
}

static void a_dead_controller(void)
{
	keyboard.status = BUSY;
}

static void old_keys(void)
{
	type(&keyboard, 0, "\x1e\x30");
	type(&uart, 0, "old keys, more of them than a FIFO holds");
}

static void a_stuck_key(void)
{
	type(&keyboard, 0, "\x1e");
	keyboard.endless = true;
}

static void each_device_is_listened_to(void **state)
{
	assert_true(listen_with(NULL));
	type(&keyboard, 0, "\x1e");
	assert_true(seen());
	type(&uart, 0, " ");
	assert_true(seen());
	assert_false(seen());
	assert_true(listen_with(no_uart));
	type(&keyboard, 0, "\x1e");
	assert_true(seen());
	assert_true(listen_with(no_keyboard));
	type(&uart, 0, " ");
	assert_true(seen());
}

static void where_nothing_can_be_typed_that_is_found_out(void **state)
{
	assert_false(listen_with(nothing));
	assert_false(listen_with(a_dead_controller_alone));
	assert_false(listen_with(a_controller_alone));
	assert_true(listen_with(a_dead_controller));
	type(&uart, 0, " ");
	assert_true(seen());
}

static void that_there_is_no_keyboard_is_said(void **state)
{
	assert_true(listen_with(NULL));
	assert_string_equal(host_printed, "");
	assert_true(listen_with(a_controller_without_a_keyboard));
	assert_string_equal(host_printed, "keys: serial only, for no keyboard "
					  "answers\n");
	type(&keyboard, 0, "\x1e"); /* which is plugged in now */
	assert_true(seen());
	assert_false(listen_with(a_controller_alone));
	assert_string_equal(host_printed, "keys: there are none, for no "
					  "keyboard answers\n");
}

static void a_character_is_what_was_typed(void **state)
{
	assert_true(listen_with(NULL));
	assert_int_equal(serial_character(), -EAGAIN);
	assert_int_equal(keyboard_code(), -EAGAIN);
	type(&uart, 0, "s\xff");
	type(&keyboard, 0, "\x1f\x9f");
	assert_int_equal(serial_character(), 's');
	assert_int_equal(serial_character(), 0xff);
	assert_int_equal(serial_character(), -EAGAIN);
	assert_int_equal(keyboard_code(), 0x1f);
	assert_int_equal(keyboard_code(), 0x9f);
	assert_int_equal(keyboard_code(), -EAGAIN);
}

static void what_was_typed_before_does_not_count(void **state)
{
	assert_true(listen_with(old_keys));
	assert_false(seen());
	type(&uart, 0, " ");
	assert_true(seen());
}

static void a_device_that_never_stops_is_not_believed(void **state)
{
	assert_false(listen_with(a_stuck_key));
}

static void a_release_an_answer_or_the_mouse_is_no_key(void **state)
{
	assert_true(listen_with(NULL));
	type(&keyboard, 0, "\x9e\xfa\xe0\xf0\xff");
	assert_false(seen());
	type(&keyboard, MOUSE, "\x08\x01\x02");
	assert_false(seen());
	type(&keyboard, 0, "\xe0\x48"); /* cursor up */
	assert_true(seen());
}

static void a_line_that_is_cut_is_no_key(void **state)
{
	assert_true(listen_with(NULL));
	type(&uart, CUT, "\1");
	assert_false(seen());
}

static void a_device_that_goes_away_is_no_key(void **state)
{
	assert_true(listen_with(NULL));
	nothing();
	assert_false(seen());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_device_is_listened_to),
		cmocka_unit_test(where_nothing_can_be_typed_that_is_found_out),
		cmocka_unit_test(what_was_typed_before_does_not_count),
		cmocka_unit_test(a_device_that_never_stops_is_not_believed),
		cmocka_unit_test(a_release_an_answer_or_the_mouse_is_no_key),
		cmocka_unit_test(a_line_that_is_cut_is_no_key),
		cmocka_unit_test(a_device_that_goes_away_is_no_key),
		cmocka_unit_test(that_there_is_no_keyboard_is_said),
		cmocka_unit_test(a_character_is_what_was_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

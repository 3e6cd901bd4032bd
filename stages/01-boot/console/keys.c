/*
 * Has somebody pressed a key, on a serial port or on the keyboard?
 *
 * For the end of a panic. Nothing is known by then about the state in which the
 * guest left the devices, and no interrupt can be relied upon; so they are set
 * up again, and polled. What was typed before does not count, and neither does
 * a key that is still held down, so first it must have been quiet for a moment.
 * Keyboard controller: Intel 8242; keyboard codes: IBM PS/2. Book: chapter 1.
 */
#include "console/keys.h"

#include "console/console.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"

/* The keyboard controller, an 8042. */
#define I8042_DATA    0x60
#define I8042_STATUS  0x64 /* to read, */
#define I8042_COMMAND 0x64 /* and to write */

#define STATUS_ABSENT      0xff /* where nothing answers */
#define STATUS_OUTPUT_FULL 0x01 /* a byte for us, */
#define STATUS_INPUT_FULL  0x02 /* one from us that it has not taken, */
#define STATUS_MOUSE       0x20 /* the byte for us is the mouse's */

#define COMMAND_SET_MODE 0x60
#define COMMAND_ENABLE   0xae
#define MODE             0x64 /* translate; no interrupts, no mouse */

#define KEYBOARD_DEFAULTS 0xf6 /* code set 2, which is translated to set 1; */
#define KEYBOARD_SCAN     0xf4 /* tell of keys */
#define KEYBOARD_DONE     0xfa /* its answer to either */
#define CODE_NO_PRESS     0x80 /* a key's release, or an answer */

/* A poll takes about 1 us for each port, which makes a quarter of a second. */
#define QUIET    100000
#define PATIENCE (40 * QUIET)

/* How long the controller may take for a byte, in polls. */
#define SEND_LIMIT 100000

static bool send(u16 port, u8 byte)
{
	for (uint i = 0; i < SEND_LIMIT; i++) {
		u8 status = inb(I8042_STATUS);

		if (status == STATUS_ABSENT)
			return false;
		if (!(status & STATUS_INPUT_FULL)) {
			outb(port, byte);
			return true;
		}
	}
	return false;
}

int keyboard_code(void)
{
	u8 status = inb(I8042_STATUS), code;

	if (status == STATUS_ABSENT || !(status & STATUS_OUTPUT_FULL))
		return -EAGAIN;
	code = inb(I8042_DATA); /* the next one has to wait for that */
	return status & STATUS_MOUSE ? -EAGAIN : code;
}

/* One command at a time: the next one would make it forget this one. */
static bool ask_keyboard(u8 command)
{
	if (!send(I8042_DATA, command))
		return false;
	for (uint i = 0; i < SEND_LIMIT; i++)
		if (keyboard_code() == KEYBOARD_DONE)
			return true;
	return false;
}

/* Does a keyboard answer? Not all know both commands. */
static bool keyboard_init(void)
{
	bool answers;

	if (!send(I8042_COMMAND, COMMAND_ENABLE) ||
	    !send(I8042_COMMAND, COMMAND_SET_MODE) || !send(I8042_DATA, MODE))
		return false;
	answers = ask_keyboard(KEYBOARD_DEFAULTS);
	return ask_keyboard(KEYBOARD_SCAN) || answers;
}

int serial_character(void)
{
	int c;

	for (struct console *const *p = consoles_start; p != consoles_end; p++)
		if ((*p)->present && (*p)->key && (c = (*p)->key(*p)) >= 0)
			return c;
	return -EAGAIN;
}

/* The keyboard is asked in any case, or it could send nothing more. */
static bool key_pressed(void)
{
	int code = keyboard_code();

	return serial_character() >= 0 || (code > 0 && code < CODE_NO_PRESS);
}

static bool serial_is_there(void)
{
	for (struct console *const *p = consoles_start; p != consoles_end; p++)
		if ((*p)->present && (*p)->key)
			return true;
	return false;
}

bool keys_listen(void)
{
	bool serial = serial_is_there(), keyboard = keyboard_init();
	uint quiet = 0;

	if (!keyboard)
		printf("keys: %s, for no keyboard answers\n",
		       serial ? "serial only" : "there are none");
	if (!keyboard && !serial)
		return false;
	for (uint i = 0; i < PATIENCE && quiet < QUIET; i++)
		quiet = key_pressed() ? 0 : quiet + 1;
	return quiet == QUIET;
}

void keys_wait(void)
{
	while (!key_pressed())
		cpu_pause();
}

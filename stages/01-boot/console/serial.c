/*
 * The serial ports COM1 and COM2: 115200 baud, 8 data bits, no parity, one
 * stop bit, polled. The oldest device of the PC is still the first one that
 * works, and with serial-over-LAN the only one that a server shows you.
 * Registers: National Semiconductor PC16550D. Book: chapter 1.
 */
#include "console/console.h"
#include "lib/cpu.h"
#include "lib/errno.h"

/* Registers, as offsets from the port's base. */
enum {
	UART_DATA = 0, /* with DLAB: divisor, low byte */
	UART_IER = 1,  /* with DLAB: divisor, high byte */
	UART_FCR = 2,
	UART_LCR = 3,
	UART_MCR = 4,
	UART_LSR = 5,
	UART_SCRATCH = 7, /* a byte that does nothing */
};

#define LCR_8N1  0x03
#define LCR_DLAB 0x80
#define FCR_ON   0x07 /* enable and clear the FIFOs */
#define MCR_ON   0x03 /* DTR, RTS: "somebody is here" */
#define LSR_THRE 0x20 /* room for a byte */
#define LSR_DR   0x01 /* a byte has come, */
#define LSR_BAD  0x1c /* torn: parity, framing, or the line's being cut */

#define LSR_ABSENT 0xff

#define DIVISOR 1 /* 115200 baud from 1.8432 MHz / 16 */

/*
 * A byte takes 87 us, a poll about 1 us; ten seconds of polls mean a dead port.
 * An emulator's port may be busy for long when nobody reads the other end.
 */
#define POLL_LIMIT 10000000

/* Where there is no UART, reads give 0xff and the scratch byte is not kept. */
static bool serial_init(struct console *console)
{
	u16 port = console->port;

	outb(port + UART_SCRATCH, 0x5a);
	if (inb(port + UART_SCRATCH) != 0x5a)
		return false;
	outb(port + UART_SCRATCH, 0xa5);
	if (inb(port + UART_SCRATCH) != 0xa5)
		return false;
	outb(port + UART_IER, 0);
	outb(port + UART_LCR, LCR_DLAB);
	outb(port + UART_DATA, DIVISOR);
	outb(port + UART_IER, DIVISOR >> 8);
	outb(port + UART_LCR, LCR_8N1);
	outb(port + UART_FCR, FCR_ON);
	outb(port + UART_MCR, MCR_ON);
	return true;
}

static void serial_putc(struct console *console, char c)
{
	for (uint i = 0; i < POLL_LIMIT; i++)
		if (inb(console->port + UART_LSR) & LSR_THRE) {
			outb(console->port + UART_DATA, c);
			return;
		}
	console->enabled = false; /* never wait for it again */
}

static int serial_key(struct console *console)
{
	u8 status = inb(console->port + UART_LSR), byte;

	if (status == LSR_ABSENT || !(status & LSR_DR))
		return -EAGAIN;
	byte = inb(console->port + UART_DATA); /* the next one waits for that */
	return status & LSR_BAD ? -EAGAIN : byte;
}

static struct console com1 = {
	.name = "com1",
	.init = serial_init,
	.putc = serial_putc,
	.key = serial_key,
	.port = 0x3f8,
};
static struct console com2 = {
	.name = "com2",
	.init = serial_init,
	.putc = serial_putc,
	.key = serial_key,
	.port = 0x2f8,
};

CONSOLE(com1);
CONSOLE(com2);

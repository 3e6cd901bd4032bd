/*
 * Consoles: devices that show what printf prints. Each driver registers
 * itself; the log ring gets every character whatever the consoles do.
 */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include "lib/types.h"

struct console {
	const char *name; /* as on the command line: com1, com2, vga */
	bool (*init)(struct console *); /* set it up; false: not there */
	void (*putc)(struct console *, char c);
	/* A character that was typed there, or -EAGAIN. NULL: nobody can. */
	int (*key)(struct console *);
	u16 port;     /* for a serial port: its first I/O port */
	bool present; /* init() found the device */
	bool enabled; /* printf prints on it */
};

#define CONSOLE(variable)                                            \
	static struct console *const console_entry_##variable __used \
		__attribute__((section(".consoles"))) = &variable

extern struct console *const consoles_start[], *const consoles_end[];

/* Set up every console that there is; show on it what was printed before. */
void console_init(void);

/*
 * Set up again and enable every console: the panic path, when the guest may
 * have left the devices in any state.
 */
void console_take_back(void);

/* Open the lock that printf takes, whoever holds it. For the panic path. */
void console_force_unlock(void);

/* TSC cycles that went into consoles so far; benchmarks leave them out. */
u64 console_cycles(void);

#endif

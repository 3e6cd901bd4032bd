/*
 * printf's way out: the log ring always, and each console that is enabled.
 *
 * Messages from before the consoles are up are not lost: they are in the ring,
 * and a console that comes up shows the ring from its beginning.
 * Book: chapter 1.
 */
#include "console/console.h"

#include "console/log.h"
#include "console/printf.h"
#include "console/printf_engine.h"
#include "lib/cpu.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "lib/version.h"

/* Protects the ring, the consoles' state and console_time. */
static spinlock_t console_lock;
static u64 console_time;

static void console_put(struct console *console, char c)
{
	if (c == '\n')
		console->putc(console, '\r');
	console->putc(console, c);
}

static void putc_everywhere(struct sink *sink, char c)
{
	log_putc(c);
	for (struct console *const *p = consoles_start; p != consoles_end; p++)
		if ((*p)->enabled)
			console_put(*p, c);
}

int vprintf(const char *format, va_list args)
{
	struct sink sink = {putc_everywhere};
	int count;
	u64 start;

	spin_lock(&console_lock);
	start = rdtsc();
	count = format_to(&sink, format, args);
	console_time += rdtsc() - start;
	spin_unlock(&console_lock);
	return count;
}

int printf(const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vprintf(format, args);
	va_end(args);
	return count;
}

u64 console_cycles(void)
{
	return console_time;
}

/* Show on a new console what was said before it was there. */
static void replay_log(struct console *console)
{
	char c;

	for (u64 at = 0; log_read(at, &c, 1); at++)
		console_put(console, c);
}

void console_init(void)
{
	u64 start = rdtsc();
	bool serial = false;

	for (struct console *const *p = consoles_start; p != consoles_end;
	     p++) {
		(*p)->present = (*p)->init(*p);
		(*p)->enabled = (*p)->present && strcmp((*p)->name, "com2");
		if ((*p)->enabled)
			replay_log(*p);
		serial |= (*p)->present && (*p)->port;
	}
	console_time += rdtsc() - start;
	printf("\nVellum " VELLUM_STAGE " %s\nconsole:", vellum_version);
	for (struct console *const *p = consoles_start; p != consoles_end; p++)
		printf(" %s %s;", (*p)->name,
		       (*p)->present ? "present" : "absent");
	printf("\n");
	if (CONFIG_SERIAL && !serial)
		printf("console: no serial port answers at 0x3f8 or 0x2f8: "
		       "watch the screen, or switch COM1 (on a server: console "
		       "redirection) on in the firmware set-up\n");
}

void console_force_unlock(void)
{
	spin_force_unlock(&console_lock);
}

void console_take_back(void)
{
	bool in_a_line = spin_is_locked(&console_lock);

	console_force_unlock();
	for (struct console *const *p = consoles_start; p != consoles_end; p++)
		(*p)->enabled = (*p)->present = (*p)->init(*p);
	if (in_a_line) /* somebody was stopped in the midst of one */
		printf("\n");
}

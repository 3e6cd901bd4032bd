/*
 * Which console Vellum keeps while a guest runs: console= on the command line.
 */
#include "boot/cmdline.h"
#include "console/console.h"
#include "console/printf.h"

/* What console= can say: a console's name, or none of them. */
static const char *console_choice(uint i)
{
	uint count = consoles_end - consoles_start;

	return i < count ? consoles_start[i]->name : i == count ? "none" : NULL;
}

WORD(console_word, .name = "console", .takes = WORD_CHOICE,
     .choice = console_choice,
     .help = "where Vellum prints while a guest runs; if not said, nowhere");

const struct console *console_chosen(void)
{
	int i = cmdline_choice(&console_word);

	return i >= 0 && i < consoles_end - consoles_start ? consoles_start[i]
							   : NULL;
}

void console_explain(void)
{
	const struct console *chosen = console_chosen();
	bool serial = false;

	for (struct console *const *p = consoles_start; p != consoles_end; p++)
		serial |= (*p)->present && (*p)->port;
	if (!serial)
		printf("console: no serial port answers at 0x3f8 or 0x2f8: "
		       "watch the screen, or switch COM1 (on a server: console "
		       "redirection) on in the firmware set-up\n");
	if (chosen && !chosen->present)
		printf("console: console=%s chooses one that is absent: "
		       "nothing will be printed once a guest runs\n",
		       chosen->name);
}

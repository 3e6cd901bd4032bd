/*
 * When the guest starts it owns the serial port, so we fall silent there (its
 * messages follow ours on one terminal) until a panic. console= on the command
 * line lets us keep another. Book: chapter 5.
 */
#include "vmm/console.h"

#include "boot/settings.h"
#include "console/console.h"
#include "console/printf.h"

/* What console= can say: a console's name, or none of them. */
static const char *console_choice(uint i)
{
	uint count = consoles_end - consoles_start;

	return i < count ? consoles_start[i]->name : i == count ? "none" : NULL;
}

SETTING(console_setting, .name = "console", .type = &choice_type,
	.choice = console_choice, .initial = "none",
	.help = "where Vellum prints while a guest runs");

/* The console that console= chooses, present or not; NULL: none. */
static const struct console *chosen_console(void)
{
	int i = setting_choice(&console_setting);

	return i >= 0 && i < consoles_end - consoles_start ? consoles_start[i]
							   : NULL;
}

void console_hand_over(void)
{
	const struct console *keep = chosen_console();

	if (keep && !keep->present)
		printf("console: console=%s chooses one that is absent: "
		       "nothing will be printed once a guest runs\n",
		       keep->name);
	for (struct console *const *p = consoles_start; p != consoles_end; p++)
		(*p)->enabled = *p == keep && keep->present;
}

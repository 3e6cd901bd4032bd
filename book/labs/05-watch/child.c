/*
 * The watch over nested tables of either format, by commands.
 */
#include "judge_nested.h"

#include "vmm/watch.h"

static void start(void)
{
	current_cpu = number(1) % GUEST_CPUS;
	flushes = 0;
	answer("%d", watch_start(GPHYS(number(2))));
	answer(" %u", flushes);
}

static void report(void)
{
	struct watch_report r = {GPHYS(0), 0, false};
	int error = watch_read(&r);

	if (error)
		answer("%d", error);
	else
		answer("0 %#lx %#lx %d", r.gpa.v, r.rip, r.write);
}

const struct judge_command judge_commands[] = {
	NESTED_COMMANDS,
	{"start", start},
	{"report", report},
	{},
};

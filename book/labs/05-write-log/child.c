/*
 * The write log over nested tables of either format, by commands.
 */
#include "judge_nested.h"

#include "vmm/write_log.h"

static void start(void)
{
	current_cpu = number(1) % GUEST_CPUS;
	flushes = 0;
	answer("%d", write_log_start(GPHYS(number(2)), number(3)));
	answer(" %u", flushes);
}

static void log_(void)
{
	gphys_t page;

	for (u64 i = 0; i < 1000 && !write_log_read(i, &page); i++)
		answer("%#lx ", page.v);
}

static void read_log(void)
{
	gphys_t page = GPHYS(1);

	answer("%d", write_log_read(number(1), &page));
}

const struct judge_command judge_commands[] = {
	NESTED_COMMANDS,
	{"start", start},
	{"log", log_},
	{"read", read_log},
	{},
};

/*
 * Commands about Vellum as a whole: what it said and did, how it was started,
 * how it ends.
 */
#include "boot/boot_info.h"
#include "boot/settings.h"
#include "console/log.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/version.h"
#include "settings/sources.h"
#include "shell/command.h"
#include "shell/last_log.h"
#include "shell/reboot.h"
#include "vmm/vcpu.h"

#define LOG_LINES 20  /* if nobody says how many */
#define LOG_PIECE 480 /* characters */

/* Where the log goes on behind its first @most lines, counted from its oldest
 * character; and how many there are, if not so many, in *@lines. */
static u64 skip_lines(u64 most, u64 *lines)
{
	u64 at = 0;
	char c;

	for (*lines = 0; *lines < most && log_read(at, &c, 1); at++)
		*lines += c == '\n';
	return at;
}

/* The end is fixed, lest it run away: what is said may go into the log. */
static void begin_log(struct command *c, u64 most)
{
	u64 lines;

	c->at[1] = skip_lines(~0UL, &lines);
	c->at[0] = skip_lines(lines - MIN(most, lines), &lines);
	if (lines)
		say(c, "(%lu lines before these: log all)\n", lines);
}

/* What a panic has printed tells of its guest's registers. c->at[0]: the next
 * character. */
static int run_last_log(struct command *c)
{
	const char *missing =
		CONFIG_LAST_LOG ? last_log_missing() : "this build keeps none";
	char text[LOG_PIECE / 4 + 1];
	size_t n = 1;

	if (!(c->thread->rights & RIGHT_INSPECT)) {
		say(c, "log --last is for root alone\n");
		return -EPERM;
	}
	if (missing) {
		say(c, "log --last: %s\n", missing);
		return -ENOENT;
	}
	if (!c->at[0])
		say(c, "(unverified: what memory held when Vellum started)\n");
	for (uint i = 0; i < 3 && n; i++) {
		n = last_log_read(c->at[0], text, sizeof(text) - 1);
		text[n] = '\0';
		say(c, "%s", text);
		c->at[0] += n;
	}
	return n != 0;
}

/* c->at[0] and [1]: the next character, and the end. */
static int run_log(struct command *c)
{
	char text[LOG_PIECE / 4 + 1];
	u64 most = LOG_LINES;

	if (c->argc > 1 && !strcmp(c->argv[1], "--last"))
		return run_last_log(c);
	if (c->argc > 1 && !strcmp(c->argv[1], "all"))
		most = ~0UL;
	else if (c->argc > 1 && !parse_number(c->argv[1], &most)) {
		say(c, "log: `%s` is no number of lines\n", c->argv[1]);
		return -EINVAL;
	}
	if (!c->at[1])
		begin_log(c, most);
	for (uint i = 0; i < 4 && c->at[0] < c->at[1]; i++) {
		size_t n = MIN(sizeof(text) - 1, c->at[1] - c->at[0]);

		n = log_read(c->at[0], text, n);
		if (!n)
			return 0;
		c->at[0] += n;
		for (size_t j = 0; j < n; j++)
			if ((u8)text[j] < ' ' && text[j] != '\n')
				text[j] = ' '; /* for terminals obey the rest */
		text[n] = '\0';
		say(c, "%s", text);
	}
	return c->at[0] < c->at[1];
}

SHELL_COMMAND(log_command, .name = "log", .args = "[LINES|all|--last]",
	      .help = "the end of the log, or the last run's log", .most = 1,
	      .run = run_log);

#define STATS 6 /* in a piece */

/* c->at[0]: the next reason. */
static int run_stats(struct command *c)
{
	if (!c->at[0])
		say(c, "%-16s %10s %14s %10s\n", "exit", "count", "cycles",
		    "each");
	for (uint i = 0; i < STATS && c->at[0] < EXIT_REASON_COUNT; i++) {
		uint reason = c->at[0]++;
		struct exit_stats sum = vcpu_sum_stats(reason);

		if (sum.count)
			say(c, "%-16s %10lu %14lu %10lu\n",
			    exit_reason_name(reason), sum.count, sum.cycles,
			    sum.cycles / sum.count);
	}
	return c->at[0] < EXIT_REASON_COUNT;
}

SHELL_COMMAND(stats_command, .name = "stats", .run = run_stats,
	      .help = "the guest's exits by reason, with cycles");

#define SETTINGS 3 /* in a piece */

/* c->at[0]: the next setting. */
static int run_settings(struct command *c)
{
	const struct setting *s = __start_settings + c->at[0];
	char text[96];

	if (!c->at[0])
		say(c,
		    "Vellum %s, %s, %lu MiB at 0x%lx;\n"
		    "what was set has a star, and where in parentheses:\n",
		    vellum_version, vcpu_ops ? vcpu_ops->name : "no guest",
		    boot_info.vmm_size / MIB, boot_info.vmm_base.v);
	for (uint i = 0; i < SETTINGS && s < __stop_settings; i++, s++) {
		setting_describe(s, text, sizeof(text));
		say(c, "%c %s: %s\n", s->value->source ? '*' : ' ', text,
		    s->help);
	}
	c->at[0] = s - __start_settings;
	return s < __stop_settings;
}

SHELL_COMMAND(settings_command, .name = "settings", .run = run_settings,
	      .help = "all settings, and where each comes from",
	      .rights = RIGHT_INSPECT);

static int run_reboot(struct command *c)
{
	shell_reboot();
}

SHELL_COMMAND(reboot_command, .name = "reboot", .run = run_reboot,
	      .help = "start the machine anew, at once",
	      .rights = RIGHT_INSPECT | RIGHT_CHANGE, .whole = true);

static int run_halt(struct command *c)
{
	shell_halt();
}

SHELL_COMMAND(halt_command, .name = "halt", .run = run_halt,
	      .help = "stop all CPUs, for good",
	      .rights = RIGHT_INSPECT | RIGHT_CHANGE, .whole = true);

/*
 * Faults on demand, in a build with TEST=1: what a command, and a panic, must
 * get over. The command `fault' raises one in a shell, the word broken= one at
 * start-up. Each is a function of its own, to be found in the backtrace.
 */
#ifdef VELLUM_TEST

#include "shell/fault.h"

#include "boot/settings.h"
#include "console/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/internal.h"
#include "page/page.h"
#include "shell/command.h"

/* In a command this ends the command alone. */
static void fault_read(void)
{
	volatile u32 *volatile nowhere = NULL;

	*nowhere = 0;
}

static void fault_assert(void)
{
	assert(!"what a command was told to");
}

/* In a panic's shell: whoever needs memory from now on waits for us. */
static void fault_lock(void)
{
	spin_lock(&vmm_pool.lock);
	panic("fault lock: the page lock is held");
}

/* Nothing is left but what is kept for a panic. */
static void fault_memory(void)
{
	for (int n = MAX_ALLOC_PAGES; n; n /= 2)
		while (!alloc_pages(NULL, NULL, n))
			;
	panic("fault memory: all pages are taken");
}

/* No exception can be delivered without a stack: #DF, which none survives. */
static void fault_stack(void)
{
	asm volatile("mov %0, %%rsp; push %%rax" : : "r"(PAGE_SIZE));
}

static bool hook_fails;

static void fail_in_hook(void)
{
	if (hook_fails)
		fault_read();
}
PANIC_HOOK(fail_in_hook);

static void fault_hook(void)
{
	hook_fails = true;
	panic("fault hook: a step of this will fail");
}

static const struct {
	const char *name;
	void (*raise)(void);
} faults[] = {
	{"read", fault_read},   {"assert", fault_assert},
	{"lock", fault_lock},   {"memory", fault_memory},
	{"stack", fault_stack}, {"hook", fault_hook},
};

static const char *fault_name(uint i)
{
	return i < ARRAY_SIZE(faults) ? faults[i].name : NULL;
}

SETTING(broken_setting, .name = "broken", .type = &choice_type,
	.choice = fault_name,
	.help = "do what must not happen, at start-up (TEST=1)");

void fault_at_start(void)
{
	int i = setting_choice(&broken_setting);

	if (i >= 0)
		faults[i].raise();
}

static int run_fault(struct command *c)
{
	for (uint i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(faults[i].name, c->argv[1])) {
			faults[i].raise();
			say(c, "fault: %s was survived\n", c->argv[1]);
			return 0;
		}
	say(c,
	    "fault: `%s` is none of read, assert, lock, memory, stack, "
	    "hook\n",
	    c->argv[1]);
	return -EINVAL;
}

SHELL_COMMAND(fault_command, .name = "fault",
	      .args = "read|assert|lock|memory|stack|hook",
	      .help = "do what must not happen (TEST=1)", .least = 1, .most = 1,
	      .rights = RIGHT_INSPECT | RIGHT_CHANGE, .run = run_fault);

#endif

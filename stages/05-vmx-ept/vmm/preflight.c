/*
 * The preflight check (vmm/preflight.h): its frame, and its verdict.
 *
 * It runs before Vellum takes memory for itself, so that a machine with too
 * little of it gets an answer like any other. Book: chapter 5.
 */
#include "vmm/preflight.h"

#include "boot/cmdline.h"
#include "console/printf.h"

extern const struct preflight_part __table_preflight_start[],
	__table_preflight_end[];

WORD(check_word, .name = "check", .holds_back = true,
     .help = "can this machine run Vellum? Look, and launch nothing");
WORD(unprotected_word, .name = "unprotected",
     .help = "boot the guest even if Vellum can't be under it");

static bool asked;
static uint reasons;
static char first_reason[160];

void preflight_need(const struct need *need)
{
	const char *mark = need->moot ? "- " : need->problem ? "NO" : "ok";
	const char *problem = need->moot ? NULL : need->problem;

	if (problem && !reasons++)
		snprintf(first_reason, sizeof(first_reason), "%s", problem);
	if (asked)
		printf("  %s  %s%s%s\n", mark, need->name, problem ? ": " : "",
		       problem ? problem : "");
}

void preflight_tell(const char *format, ...)
{
	va_list args;

	if (!asked)
		return;
	printf("      ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

bool preflight_failed(void)
{
	return reasons;
}

static void print_verdict(void)
{
	if (reasons)
		printf("preflight: this machine cannot run Vellum: %u "
		       "reason%s\n",
		       reasons, reasons == 1 ? "" : "s");
	else
		printf("preflight: this machine can run Vellum\n");
}

/* That is no panic: nothing is broken. */
static const char *refuse(void)
{
	printf("vellum: %s\n", first_reason);
	if (reasons > 1)
		printf("vellum: there are %u reasons more; the word `check` "
		       "shows them\n",
		       reasons - 1);
	if (!cmdline_has(&unprotected_word))
		return "no guest without protection";
	printf("vellum: going on without protection, as asked\n");
	return NULL;
}

bool preflight_asked(void)
{
	return asked;
}

const char *preflight(const char *wrong)
{
	asked = cmdline_has(&check_word);
	if (!asked && wrong)
		return wrong;
	for (const struct preflight_part *p = __table_preflight_start;
	     p != __table_preflight_end; p++) {
		if (asked)
			printf("preflight: %s\n", p->title);
		p->check();
	}
	if (asked) {
		print_verdict();
		return "preflight done";
	}
	return reasons ? refuse() : NULL;
}

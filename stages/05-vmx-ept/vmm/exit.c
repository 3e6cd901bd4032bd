/*
 * The table of exit handlers, and the count of what they did.
 */
#include "vmm/exit.h"

#include "lib/cpu.h"
#include "vmm/vcpu.h"

/* Link errors here: a reason without a handler, or with two. */
#define X(name) exit_handler_fn handle_exit_##name;
EXIT_REASONS(X)
#undef X

static exit_handler_fn *const handlers[] = {
#define X(name) [EXIT_##name] = handle_exit_##name,
	EXIT_REASONS(X)
#undef X
};

/* A hypercall hands a name out in two registers. */
#define X(name) _Static_assert(sizeof(#name) - 1 <= 16, "too long");
EXIT_REASONS(X)
#undef X

/* What a back end's table does not list is 0. */
_Static_assert(EXIT_UNKNOWN == 0, "the first");
_Static_assert(ARRAY_SIZE(handlers) == EXIT_REASON_COUNT, "one for each");

const char *exit_reason_name(enum exit_reason reason)
{
	static const char *const names[] = {
#define X(name) #name,
		EXIT_REASONS(X)
#undef X
	};

	return reason < EXIT_REASON_COUNT ? names[reason] : "?";
}

void exit_dispatch(struct vcpu *vcpu, const struct vm_exit *exit)
{
	struct exit_stats *stats = &vcpu->stats[exit->reason];

	stats->count++;
	handlers[exit->reason](vcpu, exit);
	stats->cycles += rdtsc() - vcpu->exit_tsc;
}

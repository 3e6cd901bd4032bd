/*
 * The table of exit handlers, the count of what they did, and those handlers
 * that take a few lines each. The larger ones have files of their own: cpuid.c,
 * msr.c, io.c, nmi.c, hypercall.c, and the back ends' CR handling.
 */
#include "vmm/exit.h"

#include "console/console.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/reset.h"
#include "paging/guarded.h"
#include "vmm/mmio.h"
#include "vmm/nmi.h"
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

	vcpu->exits++;
	stats->count++;
	handlers[exit->reason](vcpu, exit);
	stats->cycles += rdtsc() - vcpu->exit_tsc;
}

#define REPEATS_MOST    1000
#define REFUSALS_LOGGED 16

/* What else goes to the guest's console does not matter any more. */
static void reset_stuck_guest(struct vcpu *vcpu, const struct vm_exit *exit)
{
	console_take_back();
	printf("vmm: the guest is stuck: exit 0x%lx at 0x%lx for the %uth "
	       "time: reset\n",
	       exit->hw_reason, vcpu->repeat.rip, vcpu->repeat.times);
	vcpu_ops->dump(vcpu);
	machine_reset();
}

/*
 * @exit left the guest where it was, to try again, or @refused it what it
 * tried. Is that news? In the end it resets the machine: a refusal each time
 * it comes, a second try if there was nothing but second tries.
 */
static bool note_repeat(struct vcpu *vcpu, const struct vm_exit *exit,
			bool refused)
{
	struct exit_repeat *r = &vcpu->repeat;
	struct exit_repeat now = {
		.hw_reason = exit->hw_reason,
		.rip = vcpu_ops->get(vcpu, VCPU_RIP),
		.gpa = refused ? GPHYS(0) : exit->gpa,
	};

	if (r->hw_reason != now.hw_reason || r->rip != now.rip ||
	    r->gpa.v != now.gpa.v || (!refused && vcpu->exits != r->at + 1))
		*r = now;
	r->at = vcpu->exits;
	if (++r->times >= REPEATS_MOST)
		reset_stuck_guest(vcpu, exit);
	return r->times == 1;
}

void exit_refuse(struct vcpu *vcpu, const struct vm_exit *exit, uint vector,
		 const char *why)
{
	static u32 logged;
	u32 line;

	if (note_repeat(vcpu, exit, true)) {
		line = __atomic_add_fetch(&logged, 1, __ATOMIC_RELAXED);
		if (line <= REFUSALS_LOGGED)
			printf("vmm: exit 0x%lx (0x%lx, 0x%lx) at 0x%lx: "
			       "exception %u, as %s%s\n",
			       exit->hw_reason, exit->info, exit->gpa.v,
			       vcpu->repeat.rip, vector, why,
			       line == REFUSALS_LOGGED ? "; no more of these"
						       : "");
	}
	vcpu_ops->inject_exception(vcpu, vector, 0);
}

/* As on a CPU without the extension, or with it switched off (SDM 2B). */
EXIT_HANDLER(VIRT_INSTRUCTION)
{
	vcpu_ops->inject_exception(vcpu, exit->vector, 0);
}

/*
 * INVD throws away what caches hold, and with it perhaps data of ours; so the
 * guest's INVD writes back first. It is free to do so at any time anyway.
 */
EXIT_HANDLER(INVD)
{
	wbinvd();
	vcpu_ops->skip_instruction(vcpu);
}

struct xcr {
	u32 index;
	u64 value;
};

static void execute_xsetbv(void *arg)
{
	struct xcr *x = arg;

	asm volatile("xsetbv"
		     :
		     : "c"(x->index), "a"((u32)x->value),
		       "d"((u32)(x->value >> 32)));
}

/*
 * XCR0 is the guest's: we never touch the FPU. The CPU itself knows which
 * values are good, so it is asked (SDM 2D XSETBV: #GP for a bad one).
 */
EXIT_HANDLER(XSETBV)
{
	struct xcr x = {vcpu->regs.rcx,
			vcpu->regs.rdx << 32 | (u32)vcpu->regs.rax};

	if (guarded(execute_xsetbv, &x, NULL))
		vcpu_ops->inject_exception(vcpu, VECTOR_GP, 0);
	else
		vcpu_ops->skip_instruction(vcpu);
}

EXIT_HANDLER(CR_WRITE)
{
	vcpu_ops->cr_write(vcpu, exit);
}

EXIT_HANDLER(TRIPLE_FAULT)
{
	printf("vmm: the guest had a triple fault at 0x%lx: reset\n",
	       vcpu_ops->get(vcpu, VCPU_RIP));
	machine_reset();
}

/* INIT to the boot CPU: it starts again at the reset vector (SDM 3A 10.1). */
EXIT_HANDLER(INIT)
{
	if (cpu_signals)
		cpu_signals->init(vcpu);
	else
		vcpu_ops->reset(vcpu, NULL);
}

/* A CPU that does not wait for one takes no notice, and the only one never
 * waits (SDM 3A 9.4.4). */
EXIT_HANDLER(SIPI)
{
	if (cpu_signals)
		cpu_signals->sipi(vcpu, exit->info);
}

EXIT_HANDLER(TASK_SWITCH)
{
	vcpu_ops->task_switch(vcpu, exit);
}

static const char *memory_problem(int error)
{
	switch (error) {
	case -EPERM:
		return "nothing in Vellum's range can be executed";
	case -EFAULT:
		return "no memory of a PC has that address";
	case -ENOMEM:
		return "there is no page left for a nested page table";
	default:
		return "the CPU refuses Vellum's nested entry for it";
	}
}

EXIT_HANDLER(MEMORY)
{
	const struct mmio_page *page = mmio_find(exit->gpa.v, 1);
	int error = -EINVAL;

	if (page && exit->write) {
		page->write(vcpu, exit);
		return;
	}
	if (!exit->reserved)
		error = nested_root_fault(&vcpu->root, exit->gpa, exit->write);
	if (error) {
		exit_refuse(vcpu, exit, VECTOR_GP, memory_problem(error));
		return;
	}
	note_repeat(vcpu, exit, false);
	vcpu_ops->flush_map(vcpu);
}

EXIT_HANDLER(UNKNOWN)
{
	exit_refuse(vcpu, exit, VECTOR_UD, "Vellum does not know this exit");
}

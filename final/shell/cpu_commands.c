/*
 * Commands about the CPUs: where each is, in the guest's code or in Vellum's,
 * and what an address there is called.
 *
 * Another CPU's state is in that CPU (on Intel's nobody else can even read the
 * VMCS), so while a guest runs each command tells of the CPU that it runs on.
 * In a panic each CPU has noted where it was when it stopped (smp/place.h).
 */
#include "console/backtrace.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "paging/trap.h"
#include "shell/command.h"
#include "smp/cpus.h"
#include "smp/place.h"
#include "vmm/vcpu.h"

/* The name of @address, which may be a return address: then @back is 1 (see
 * console/backtrace.c). */
static void say_address(struct command *c, u64 address, uint back)
{
	u64 offset;
	const char *name = symbol_name(address - back, &offset);

	say(c, "0x%lx", address);
	if (name)
		say(c, " %s+0x%lx", name, offset + back);
	say(c, "\n");
}

static int run_sym(struct command *c)
{
	bool found = false;
	u64 address, offset;

	for (const struct symbol *s = symbols_start; s < symbols_end; s++)
		if (!strcmp(s->name, c->argv[1])) { /* static ones: several */
			say(c, "0x%lx %s\n", s->address, s->name);
			found = true;
		}
	if (found)
		return 0;
	if (parse_address(c->argv[1], &address) &&
	    symbol_name(address, &offset)) {
		say_address(c, address, 0);
		return 0;
	}
	say(c, "sym: `%s` is no function of Vellum's, nor an address in one\n",
	    c->argv[1]);
	return -ENOENT;
}

SHELL_COMMAND(sym_command, .name = "sym", .args = "NAME|ADDR",
	      .help = "where a function is, or what an address is in",
	      .least = 1, .most = 1, .rights = RIGHT_INSPECT, .run = run_sym);

/* Where CPU @n has stopped in a panic. */
static void say_stopped(struct command *c, uint n)
{
	const struct cpu_place *place = cpu_place_of(n);

	if (!place)
		say(c, "has not said where it is\n");
	else if (place->in_guest)
		say(c, "stopped in its guest at 0x%lx\n",
		    place->guest[VCPU_RIP]);
	else {
		say(c, "stopped in Vellum at ");
		say_address(c, place->rip, 0);
	}
}

static const char *describe_cpu(const struct smp_cpu *cpu)
{
	static const char *const states[] = {
		[CPU_OFF] = "not started",      [CPU_ARRIVED] = "starting",
		[CPU_READY] = "runs its guest", [CPU_UNFIT] = "unfit",
		[CPU_ABSENT] = "absent",
	};

	return cpu->state == CPU_READY && cpu->waiting
		       ? "waits for a start-up IPI"
		       : states[cpu->state];
}

#define CPUS 8 /* in a piece */

/* c->at[0]: the next CPU. */
static int run_cpus(struct command *c)
{
	if (!smp_count)
		say(c, "CPU 0, and nobody has looked for others yet\n");
	for (uint i = 0; i < CPUS && c->at[0] < smp_count; i++) {
		uint n = c->at[0]++;
		const struct smp_cpu *cpu = &smp_cpus[n];

		say(c, "CPU %u: APIC ID 0x%x, ", n, cpu->apic_id);
		if (panic_is_on() && cpu->state == CPU_READY && !cpu->waiting)
			say_stopped(c, n);
		else
			say(c, "%s%s\n", describe_cpu(cpu),
			    n == *this_cpu(cpu_number) ? ", this one" : "");
	}
	return c->at[0] < smp_count;
}

SHELL_COMMAND(cpus_command, .name = "cpus", .run = run_cpus,
	      .help = "the CPUs, and in a panic what each was doing");

/* The CPU that word 1 names, or this one. -EINVAL, and that was said. */
static int find_cpu(struct command *c)
{
	u64 cpu = *this_cpu(cpu_number);

	if (c->argc > 1 &&
	    (!parse_number(c->argv[1], &cpu) || cpu >= MAX(smp_count, 1U))) {
		say(c, "%s: `%s` is no CPU's number: they are 0 to %u\n",
		    c->argv[0], c->argv[1], MAX(smp_count, 1U) - 1);
		return -EINVAL;
	}
	return cpu;
}

/*
 * Where CPU @n is. In a panic it has said so itself; else it must be this one,
 * and goes to *@here. NULL: nobody knows, and that was said.
 */
static const struct cpu_place *find_place(struct command *c, uint n,
					  struct cpu_place *here)
{
	const struct cpu_place *place = here;

	if (panic_is_on()) {
		place = cpu_place_of(n);
	} else if (n == *this_cpu(cpu_number)) {
		*here = (struct cpu_place){
			.rip = (u64)__builtin_return_address(0),
			.rbp = *(u64 *)__builtin_frame_address(0),
			.rsp = (u64)__builtin_frame_address(0) + 16,
		};
		if (vcpu_current())
			place_note_guest(here, vcpu_current());
	} else {
		say(c,
		    "%s: only a CPU itself can tell; ask there: taskset -c "
		    "%u vellumctl shell %s\n",
		    c->argv[0], n, c->argv[0]);
		return NULL;
	}
	if (!place)
		say(c, "%s: CPU %u has not said where it is\n", c->argv[0], n);
	return place;
}

/* As instructions number them. */
static void say_general(struct command *c, const u64 value[16])
{
	static const char *const names[] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15",
	};

	for (uint i = 0; i < ARRAY_SIZE(names); i++)
		say(c, "%s%-3s %016lx%s", i % 3 ? " " : "  ", names[i],
		    value[i], i % 3 == 2 || i == 15 ? "\n" : "");
}

static void say_guest(struct command *c, const struct cpu_place *p)
{
	const struct guest_regs *r = &p->regs;
	const u64 *g = p->guest;

	say_general(c, (u64[]){r->rax, r->rcx, r->rdx, r->rbx, g[VCPU_RSP],
			       r->rbp, r->rsi, r->rdi, r->r8, r->r9, r->r10,
			       r->r11, r->r12, r->r13, r->r14, r->r15});
	say(c, "  rip %016lx rflags %lx efer %lx\n", g[VCPU_RIP],
	    g[VCPU_RFLAGS], g[VCPU_EFER]);
	say(c, "  cr0 %016lx cr2 %016lx cr3 %016lx\n", g[VCPU_CR0], r->cr2,
	    g[VCPU_CR3]);
	say(c, "  cr4 %016lx fs  %016lx gs  %016lx\n", g[VCPU_CR4],
	    g[VCPU_FS_BASE], g[VCPU_GS_BASE]);
}

/* The exception that this CPU panics about (paging/trap.c); NULL: none. */
DECLARE_PERCPU(struct trap_frame *, trap_fatal);

static void say_vellum(struct command *c, const struct cpu_place *p, uint n)
{
	const struct trap_frame *f =
		n == *this_cpu(cpu_number) ? *this_cpu(trap_fatal) : NULL;

	say(c, "CPU %u in Vellum: rip ", n);
	say_address(c, p->rip, 0);
	if (f)
		say_general(c, (u64[]){f->rax, f->rcx, f->rdx, f->rbx, f->rsp,
				       f->rbp, f->rsi, f->rdi, f->r8, f->r9,
				       f->r10, f->r11, f->r12, f->r13, f->r14,
				       f->r15});
	else
		say(c, "  rsp %016lx rbp %016lx\n", p->rsp, p->rbp);
}

/* c->at[0]: 1: the guest's have been shown. */
static int run_regs(struct command *c)
{
	int n = find_cpu(c);
	struct cpu_place here;
	const struct cpu_place *place = n < 0 ? NULL : find_place(c, n, &here);

	if (!place)
		return -EINVAL;
	if (!c->at[0]++) {
		if (!place->has_guest) {
			say(c, "CPU %u has no guest\n", n);
		} else {
			say(c, "guest on CPU %u:\n", n);
			say_guest(c, place);
		}
		return panic_is_on() && !place->in_guest;
	}
	say_vellum(c, place, n);
	return 0;
}

SHELL_COMMAND(regs_command, .name = "regs", .args = "[CPU]", .most = 1,
	      .help = "registers: the guest's; in a panic Vellum's",
	      .rights = RIGHT_INSPECT, .run = run_regs);

#define FRAMES 12 /* in a piece */

/* Between two pieces the stack is another one, so it is walked once. */
static u64 frames[BACKTRACE_MOST];
static uint frame_count;

static int begin_backtrace(struct command *c)
{
	int n = find_cpu(c);
	struct cpu_place here;
	const struct cpu_place *p = n < 0 ? NULL : find_place(c, n, &here);

	if (!p)
		return -EINVAL;
	if (p->in_guest)
		say(c, "CPU %u was in its guest; how it came to stop:\n", n);
	frame_count =
		backtrace_walk(p->rip, backtrace_start(p->rbp, p->rsp), frames);
	say(c, "%s", BACKTRACE_TITLE);
	for (uint i = 0; i < frame_count; i++)
		say(c, "<-0x%lx", frames[i]);
	say(c, "\n");
	return 1;
}

/* c->at[0]: 0, or 1 and how many have been named. */
static int run_backtrace(struct command *c)
{
	if (!c->at[0]) {
		c->at[0] = 1;
		return begin_backtrace(c);
	}
	for (uint i = 0; i < FRAMES && c->at[0] <= frame_count; i++) {
		say(c, "  ");
		say_address(c, frames[c->at[0] - 1], c->at[0] > 1);
		c->at[0]++;
	}
	return c->at[0] <= frame_count;
}

SHELL_COMMAND(backtrace_command, .name = "backtrace", .args = "[CPU]",
	      .help = "who has called whom, in Vellum", .most = 1,
	      .rights = RIGHT_INSPECT, .run = run_backtrace);

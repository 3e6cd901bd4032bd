/*
 * Each CPU notes what it was doing as it stops, in its per-CPU variables, where
 * the CPU that panics finds it. Book: chapter 6, "Stopping everybody".
 */
#include "smp/place.h"

#include "console/backtrace.h"
#include "console/printf.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "smp/cpus.h"

PERCPU(struct cpu_place, cpu_place);

void place_note_guest(struct cpu_place *place, struct vcpu *vcpu)
{
	for (uint i = 0; i < VCPU_REGS; i++)
		place->guest[i] = vcpu_ops->get(vcpu, i);
	place->regs = vcpu->regs;
	place->has_guest = true;
}

void place_note(bool in_guest, u64 rip, u64 rsp, u64 rbp)
{
	struct cpu_place *place = this_cpu(cpu_place);
	struct vcpu *vcpu = vcpu_current();

	if (place->state)
		return; /* it may have been the noting that stopped it again */
	place->state = 1;
	place->rip = rip;
	place->rsp = rsp;
	place->rbp = rbp;
	place->in_guest = in_guest;
	if (vcpu)
		place_note_guest(place, vcpu);
	__atomic_store_n(&place->state, 2, __ATOMIC_RELEASE);
}

const struct cpu_place *cpu_place_of(uint cpu)
{
	const struct cpu_place *place;

	if (cpu >= smp_count || (cpu && !smp_cpus[cpu].stack_top))
		return NULL; /* it has no variables */
	place = (void *)((char *)&percpu_cpu_place +
			 (cpu ? smp_cpus[cpu].percpu_offset : 0));
	return __atomic_load_n(&place->state, __ATOMIC_ACQUIRE) == 2 ? place
								     : NULL;
}

/* What CPU @cpu was doing, as text; "": nobody knows. */
static void describe_place(uint cpu, char *text, size_t size)
{
	const struct cpu_place *place = cpu_place_of(cpu);
	const char *name;
	u64 offset = 0;

	text[0] = '\0';
	if (place && place->in_guest) {
		snprintf(text, size, "in the guest, at 0x%lx",
			 place->guest[VCPU_RIP]);
	} else if (place) {
		name = symbol_name(place->rip, &offset);
		snprintf(text, size, "in Vellum, at 0x%lx %s+0x%lx", place->rip,
			 name ? name : "?", offset);
	} else if (smp_cpus && smp_waits_in_guest(&smp_cpus[cpu])) {
		snprintf(text, size, "waiting for a start-up IPI");
	}
}

/* CPUs that were doing the same, such as those that all slept, share a line. */
void place_print_all(void)
{
	char text[96], next[96];

	for (uint first = 0, last; first < smp_count; first = last + 1) {
		last = first;
		describe_place(first, text, sizeof(text));
		while (last + 1 < smp_count) {
			describe_place(last + 1, next, sizeof(next));
			if (strcmp(text, next))
				break;
			last++;
		}
		if (!*text)
			continue;
		if (last > first)
			printf("smp: CPUs %u to %u were %s\n", first, last,
			       text);
		else
			printf("smp: CPU %u was %s\n", first, text);
	}
}

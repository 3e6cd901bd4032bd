/*
 * A panic stops the other CPUs before it says a word: what they did to memory,
 * to the screen or to the guest's disk from then on would only spoil the
 * evidence, and what they printed would tear the message apart.
 *
 * The call is an NMI, so a CPU obeys in the guest and, on Intel's, in Vellum.
 * An AMD CPU takes none in Vellum; it obeys when it is about to enter the
 * guest, or when it waits for a lock, which the panicking CPU may be holding.
 * One that is still in its start-up can't be called: it looks by itself, when
 * it arrives, when it waits for a lock, and when it is ready.
 * Book: chapter 6, "Stopping everybody".
 */
#include "smp/panic.h"

#include "console/console.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "paging/trap.h"
#include "smp/call.h"
#include "smp/lapic.h"
#include "smp/place.h"
#include "vmm/vcpu.h"

#define PATIENCE 100000000UL /* TSC cycles, for all together */

u32 panic_cpu;

PERCPU(struct spin_place, panic_spin_place);

/*
 * Outside of VMX and SVM the CPU can be reset by an INIT, should it come to
 * that. What is noted comes first.
 */
static void give_up(void)
{
	if (vcpu_ops)
		vcpu_ops->disable();
	__atomic_store_n(&smp_self()->stopped, 1, __ATOMIC_RELEASE);
}

/* @rip and @rbp are where in Vellum. */
static __noreturn void stop_self(bool in_guest, u64 rip, u64 rsp, u64 rbp)
{
	place_note(in_guest, rip, rsp, rbp);
	give_up();
	cpu_halt_forever();
}

/* Where the function that this is in was called: arguments of stop_self(). */
#define CALLER                                        \
	(u64) __builtin_return_address(0) - 1,        \
		(u64)__builtin_frame_address(0) + 16, \
		*(u64 *)__builtin_frame_address(0)

void smp_claim_panic(u64 rip, u64 start)
{
	u32 before = 0, self = *this_cpu(cpu_number) + 1;

	if (!__atomic_compare_exchange_n(&panic_cpu, &before, self, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) &&
	    before != self)
		stop_self(false, rip, start, start);
}

void smp_stop_if_panic(void)
{
	if (smp_must_stop())
		stop_self(false, CALLER);
}

void smp_stop_in_guest(void)
{
	if (smp_must_stop())
		stop_self(true, CALLER);
}

void smp_stop_in_nmi(const struct trap_frame *frame)
{
	if (smp_must_stop())
		stop_self(false, frame->rip, frame->rsp, frame->rbp);
}

/*
 * Who halted with a ticket in hand would keep those behind it waiting, the
 * panicking CPU as well. Where that CPU has opened the lock by force, our turn
 * is over.
 */
void smp_leave_queue(void)
{
	const struct spin_place *place = this_cpu(panic_spin_place);
	int16_t behind; /* below 0: it is not our turn yet; above: no more */

	while ((behind = __atomic_load_n(place->owner, __ATOMIC_ACQUIRE) -
			 place->ticket) < 0)
		cpu_pause();
	if (!behind)
		__atomic_store_n(place->owner, (u16)(place->ticket + 1),
				 __ATOMIC_RELEASE);
}

/* As good as stopped: it only waits for its turn, to let the next one in. */
void panic_stop_at_lock(void)
{
	place_note(false, CALLER);
	give_up();
	smp_leave_queue();
	cpu_halt_forever();
}

/* Has it ever run our code? Where it has not, there is nothing to stop. */
static bool has_come(const struct smp_cpu *cpu)
{
	u32 state = __atomic_load_n(&cpu->state, __ATOMIC_ACQUIRE);

	return state != CPU_OFF && state != CPU_ABSENT;
}

static bool is_unfit(const struct smp_cpu *cpu)
{
	return __atomic_load_n(&cpu->state, __ATOMIC_ACQUIRE) == CPU_UNFIT;
}

static bool has_stopped(const struct smp_cpu *cpu)
{
	return cpu == smp_self() || is_unfit(cpu) || smp_waits_in_guest(cpu) ||
	       __atomic_load_n(&cpu->stopped, __ATOMIC_ACQUIRE);
}

/* Nothing of ours goes on there. */
static bool is_quiet(const struct smp_cpu *cpu)
{
	return !has_come(cpu) || has_stopped(cpu);
}

/* Before CPU 0 is ready it is alone. */
static bool has_others(void)
{
	return smp_count > 1 && smp_is_ready(&smp_cpus[0]);
}

static void wait_for_all(bool (*reached)(const struct smp_cpu *))
{
	u64 start = rdtsc();

	for (uint i = 0; i < smp_count; i++)
		while (!reached(&smp_cpus[i]) && rdtsc() - start < PATIENCE)
			cpu_pause();
}

void smp_stop_others(void)
{
	if (!has_others())
		return;
	for (uint i = 0; i < smp_count; i++)
		if (smp_is_ready(&smp_cpus[i]) && !has_stopped(&smp_cpus[i]))
			smp_call(&smp_cpus[i]);
	wait_for_all(is_quiet);
}

static void report_stopped(void)
{
	uint come = 0, stopped = 0;

	if (!has_others())
		return;
	for (uint i = 0; i < smp_count; i++) {
		if (!has_come(&smp_cpus[i]))
			continue;
		come++;
		if (has_stopped(&smp_cpus[i]))
			stopped++;
		else
			printf("smp: CPU %u has not stopped\n", i);
	}
	place_print_all();
	printf("smp: %u of %u CPUs have stopped\n", stopped, come);
	if (come < smp_count)
		printf("smp: %u more have never come to Vellum\n",
		       smp_count - come);
}

PANIC_HOOK(report_stopped);

/* A start-up IPI is what those that the hardware lets wait do not miss; its
 * vector does not matter, for they stop. */
static void wake_those_that_wait(void)
{
	for (uint i = 0; i < smp_count; i++)
		if (smp_waits_in_guest(&smp_cpus[i]))
			lapic_send(smp_cpus[i].apic_id,
				   ICR_MODE_SIPI | ICR_ASSERT);
}

/* Nothing of ours goes on there, and an INIT would be taken. */
static bool is_out(const struct smp_cpu *cpu)
{
	return !has_come(cpu) || is_unfit(cpu) ||
	       __atomic_load_n(&cpu->stopped, __ATOMIC_ACQUIRE);
}

void smp_prepare_reset(void)
{
	uint come = 0, out = 0;

	smp_claim_panic(0, 0);
	smp_stop_others();
	give_up();
	wake_those_that_wait();
	wait_for_all(is_out);
	console_force_unlock(); /* one may have been stopped as it printed */
	for (uint i = 0; i < smp_count; i++)
		if (has_come(&smp_cpus[i])) {
			come++;
			out += is_out(&smp_cpus[i]);
		}
	printf("smp: %u of %u CPUs are out of VMX and SVM\n", out, come);
}

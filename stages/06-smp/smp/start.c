/*
 * Asking who is there, and starting the other CPUs.
 *
 *	the census, all at once:  INIT  10 ms  start-up IPI  200 us  once more
 *	later, each in turn:      INIT  10 ms  start-up IPI  200 us  once more
 *
 * as Intel asks for (SDM 3A 9.4.4.1). In the census nobody is expected, so each
 * leaves its name and is parked (trampoline.S). It must come before the nested
 * page tables are made, whose shape depends on it, and which a CPU needs before
 * it can go on. Then they start one after the other, because one stack is laid
 * ready at a time; as soon as one has taken it, its further start-up goes on
 * beside the next one's.
 *
 * On a UEFI machine the census is the firmware's, which brings the CPUs to us,
 * too (final/efi). Those that it did not bring are started when somebody sends
 * them an INIT, which takes them from the firmware in any case. And when the
 * guest sends one to a CPU that nobody knew of, it is started like these, and
 * is ours, before the guest's INIT is passed on to it.
 * Book: chapter 6, "Waking the others".
 */
#include "smp/start.h"

#include "boot/layout.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "lib/reset.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/paging.h"
#include "paging/trap.h"
#include "smp/delay.h"
#include "smp/init_sipi.h"
#include "smp/lapic.h"
#include "smp/panic.h"
#include "smp/trampoline.h"
#include "vmm/launch.h"
#include "vmm/vcpu.h"

/* Microseconds. */
#define INIT_WAIT    10000
#define SIPI_WAIT    200
#define ARRIVAL_STEP 100      /* between looks */
#define ARRIVAL_WAIT 1000000  /* how long a CPU may take to arrive, */
#define READY_WAIT   30000000 /* and all of them to be ready */
#define CENSUS_WAIT  1500000  /* until all that are known of have answered, */
#define CENSUS_QUIET 20000    /* and then, since the last one */

#define INIT (ICR_MODE_INIT | ICR_ASSERT)

#define TRIES        2
#define DROPS_LOGGED 16

static void set_state(struct smp_cpu *cpu, enum smp_state state)
{
	__atomic_store_n(&cpu->state, state, __ATOMIC_SEQ_CST);
}

/* A CPU that can't take part must not take part without us either: it stays
 * here. No INIT reaches it where Vellum watches for those (icr.c). */
static bool is_fit(void)
{
	const char *why = NULL;

	smp_compare_features();
	if (!vcpu_ops->probe(&why))
		return true;
	printf("smp: CPU %u is left out: %s\n", *this_cpu(cpu_number),
	       why ? why : "it can't do what CPU 0 can");
	return false;
}

/* What main.c has every CPU do. */
static void (*every_cpu)(void);

/* The rest of its life: what every CPU runs, then its wait for the guest to
 * want it, then the guest. */
static void __noreturn __attribute__((noinline)) ap_main(struct smp_cpu *cpu)
{
	set_state(cpu, CPU_ARRIVED);
	trap_init();
	smp_stop_if_panic(); /* nobody can call us before we are ready */
	paging_prepare_cpu();
	if (!is_fit()) {
		set_state(cpu, CPU_UNFIT);
		smp_park();
	}
	every_cpu();
	cpu->ldr = lapic_read(LAPIC_LDR);
	if (!lapic_is_x2apic())
		cpu->dfr = lapic_read(LAPIC_DFR);
	if (cpu->go_on)
		cpu->go_on(vcpu_current());
	set_state(cpu, CPU_READY);
	smp_stop_if_panic();
#ifdef VELLUM_TEST
	smp_panic_storm();
#endif
	if (!cpu->go_on)
		smp_wait_for_sipi(vcpu_current());
	vmm_serve(vcpu_current());
}

/*
 * A CPU arrives, on its own stack, but without per-CPU variables: nothing here
 * may use one before GS has its base, hence ap_main() is not compiled into it.
 */
void ap_entry(struct smp_cpu *cpu)
{
	asm volatile(".cfi_undefined rip"); /* debuggers' backtraces end here */
	write_cr3(paging_root().v);
	wrmsr(MSR_GS_BASE, cpu->percpu_offset);
	ap_main(cpu);
}

/*
 * The copy must lie a multiple of 4096 bytes from CPU 0's, so that what is
 * aligned to a page in the one is so in the other: the guard pages of
 * exception stacks are among it.
 */
int smp_cpu_prepare(struct smp_cpu *cpu)
{
	u64 first = ALIGN_DOWN((u64)percpu_start, PAGE_SIZE);
	u64 size = ALIGN_UP((u64)percpu_end - first, PAGE_SIZE);
	u64 before = PAGE_SIZE + STACK_SIZE;
	char *block;

	if (cpu->stack_top)
		return 0; /* it has been before */
	block = new_pages(NULL, (before + size) / PAGE_SIZE);
	if (!block)
		return -ENOMEM;
	if (paging_make_guard(block))
		return -ENOMEM; /* there is no going on from this anyway */
	memset(block + PAGE_SIZE, 0, STACK_SIZE + size);
	cpu->percpu_offset = (u64)(block + before) - first;
	*(u64 *)((u64)&percpu_self_offset + cpu->percpu_offset) =
		cpu->percpu_offset;
	*(u32 *)((u64)&percpu_cpu_number + cpu->percpu_offset) = cpu - smp_cpus;
	cpu->stack_top = block + before;
	return 0;
}

static bool wait_while(const struct smp_cpu *cpu, u32 state, uint us)
{
	while (__atomic_load_n(&cpu->state, __ATOMIC_ACQUIRE) == state) {
		if (!us)
			return false;
		delay(ARRIVAL_STEP);
		us -= ARRIVAL_STEP;
	}
	return true;
}

/* Why can @cpu not be started? NULL: it can. */
static const char *obstacle(struct smp_cpu *cpu)
{
	if (cpu->apic_id >= 0xff && !lapic_is_x2apic())
		return "the firmware has not switched x2APIC on";
	return smp_cpu_prepare(cpu) ? "no memory" : NULL;
}

static void leave_out(struct smp_cpu *cpu, const char *why)
{
	printf("smp: CPU %u (APIC ID %u) is left out: %s\n",
	       (uint)(cpu - smp_cpus), cpu->apic_id, why);
	cpu->state = CPU_ABSENT;
}

static void send_sipi(u32 apic_id)
{
	lapic_send(apic_id, ICR_MODE_SIPI | ICR_ASSERT | trampoline_vector());
}

/*
 * @cpu has had its INIT. If it does not come it must not come later, on the
 * next one's stack: so it is not expected any more. One that has taken its
 * stack just now is here.
 */
static bool ask_cpu(struct smp_cpu *cpu)
{
	trampoline_expect(cpu, cpu->stack_top, ap_entry);
	send_sipi(cpu->apic_id);
	if (wait_while(cpu, CPU_OFF, SIPI_WAIT))
		return true;
	send_sipi(cpu->apic_id);
	if (wait_while(cpu, CPU_OFF, ARRIVAL_WAIT))
		return true;
	return !trampoline_expect_nobody() &&
	       wait_while(cpu, CPU_OFF, ARRIVAL_WAIT);
}

/* One that does not come gets another INIT, and is asked once more: it may have
 * followed a start-up IPI of the firmware's that came late, and is somewhere in
 * the firmware's code. */
static bool start_cpu(struct smp_cpu *cpu)
{
	for (uint i = 0; i < TRIES; i++) {
		if (ask_cpu(cpu))
			return true;
		lapic_send(cpu->apic_id, INIT);
		delay(INIT_WAIT);
	}
	return false;
}

static void start_all(void)
{
	for (uint i = 1; i < smp_count; i++) {
		struct smp_cpu *cpu = &smp_cpus[i];
		const char *why = cpu->state == CPU_OFF ? obstacle(cpu) : NULL;

		if (why)
			leave_out(cpu, why);
		else if (cpu->state == CPU_OFF)
			lapic_send(cpu->apic_id, INIT);
	}
	delay(INIT_WAIT);
	for (uint i = 1; i < smp_count; i++)
		if (smp_cpus[i].state == CPU_OFF && !start_cpu(&smp_cpus[i]))
			leave_out(&smp_cpus[i], "it does not come up");
}

/* Until @expected have answered, and nobody more does. */
static void wait_for_census(uint expected)
{
	uint quiet = 0, before = 0;

	for (uint us = 0; us < CENSUS_WAIT; us += ARRIVAL_STEP) {
		uint now = trampoline_visitors(NULL, 0);

		quiet = now == before ? quiet + ARRIVAL_STEP : 0;
		before = now;
		if (now >= expected && quiet >= CENSUS_QUIET)
			return;
		delay(ARRIVAL_STEP);
	}
}

int smp_census(u32 *ids, uint max, uint expected)
{
	const u32 others = ICR_SHORTHAND_OTHER << 18;
	int error = trampoline_init();

	delay_init();
	if (error)
		return error;
	lapic_send(0, others | INIT);
	delay(INIT_WAIT);
	for (uint i = 0; i < 2; i++) {
		lapic_send(0, others | ICR_MODE_SIPI | ICR_ASSERT |
				      trampoline_vector());
		delay(SIPI_WAIT);
	}
	wait_for_census(expected);
	return trampoline_visitors(ids, max);
}

/* How many are there in the end? */
static uint count_ready(void)
{
	uint ready = 1;

	for (uint i = 1; i < smp_count; i++) {
		struct smp_cpu *cpu = &smp_cpus[i];

		if (cpu->state != CPU_OFF &&
		    !wait_while(cpu, CPU_ARRIVED, READY_WAIT))
			printf("smp: CPU %u hangs in its start-up\n", i);
		ready += smp_is_ready(cpu);
	}
	return ready;
}

void smp_prepare(void (*each)(void))
{
	every_cpu = each;
	smp_note_features();
	smp_first_is_ready();
	machine_reset_prepare = smp_prepare_reset;
}

/* How many CPUs nobody has tried to start? */
static uint count_off(void)
{
	uint off = 0;

	for (uint i = 1; i < smp_count; i++)
		off += __atomic_load_n(&smp_cpus[i].state, __ATOMIC_ACQUIRE) ==
		       CPU_OFF;
	return off;
}

/* As smp_start_cpus(). */
static bool start_those_off(void)
{
	uint before = num_of_available_pages(), off = count_off(), ready;

	start_all();
	ready = count_ready();
	printf("smp: %u of %u CPUs are under Vellum; %u pages for each; %s\n",
	       ready, smp_count,
	       off ? (before - num_of_available_pages()) / off : 0,
	       smp_traps_icr() ? "INIT and start-up IPIs are emulated"
			       : "the hardware reports INIT and start-up IPIs");
	/* An INIT is reported by a CPU that has Vellum, and by no other. */
	return ready == smp_count || smp_traps_icr();
}

/* Protects what there is one of to start a CPU: the place where its stack is
 * laid ready, and the end of the list. */
static spinlock_t start_lock;

bool smp_start_cpus(void)
{
	bool well = true;

	if (!count_off())
		return true;
	spin_lock(&start_lock);
	if (count_off())
		well = start_those_off();
	spin_unlock(&start_lock);
	return well;
}

/* It waits for a start-up IPI, as a CPU does after it has been switched on. */
static const char *start_late(struct smp_cpu *cpu)
{
	const char *why = obstacle(cpu);

	if (why)
		return why;
	cpu->waiting = true;
	lapic_send(cpu->apic_id, INIT);
	delay(INIT_WAIT);
	if (!start_cpu(cpu))
		return "no CPU comes up";
	if (!wait_while(cpu, CPU_ARRIVED, READY_WAIT))
		return "it hangs in its start-up";
	if (!smp_is_ready(cpu))
		return "it can't take part";
	printf("smp: CPU %u (APIC ID %u) has come, and is under Vellum\n",
	       (uint)(cpu - smp_cpus), cpu->apic_id);
	return NULL;
}

void smp_log_drop(const char *whom, u32 number, const char *why)
{
	static u32 drops;
	u32 n = __atomic_add_fetch(&drops, 1, __ATOMIC_RELAXED);

	if (n <= DROPS_LOGGED)
		printf("smp: the guest's start of %s %u is dropped: %s%s\n",
		       whom, number, why,
		       n == DROPS_LOGGED ? "; no more of these" : "");
}

/* With start_lock. */
static struct smp_cpu *bring_new(u32 apic_id)
{
	struct smp_cpu *cpu = smp_add(apic_id);
	const char *why = cpu ? start_late(cpu) : "there is no room for more";

	if (!why)
		return cpu;
	smp_log_drop("the CPU with APIC ID", apic_id, why);
	if (cpu && cpu->state == CPU_OFF)
		smp_drop_last();
	return NULL;
}

struct smp_cpu *smp_bring(u32 apic_id)
{
	struct smp_cpu *cpu;

	spin_lock(&start_lock);
	cpu = smp_find(apic_id);
	if (!cpu)
		cpu = bring_new(apic_id);
	spin_unlock(&start_lock);
	return cpu;
}

void smp_start(void (*each)(void))
{
	if (!vcpu_ops || (smp_count == 1 && !smp_traps_icr()))
		return;
	smp_prepare(each);
	if (!smp_start_cpus())
		panic("not all of %u CPUs are under Vellum, and a guest could "
		      "start the others: switch them off in the firmware "
		      "set-up, or put icr=trap on Vellum's command line",
		      smp_count);
}

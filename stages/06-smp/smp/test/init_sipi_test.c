/*
 * What INIT and start-up IPIs do to another CPU, in every order; and who
 * reports them.
 */
#include "boot/boot_info.h"
#include "boot/settings.h"
#include "host.h"
#include "smp/call.h"
#include "smp/init_sipi.h"
#include "smp/lapic.h"
#include "smp/panic.h"
#include "smp/renew.h"
#include "vmm/nmi.h"
#include "vmm/vcpu.h"

#define CPU_0 (&cpus[0])
#define CPU_1 (&cpus[1])

static struct smp_cpu cpus[2];

struct smp_cpu *smp_cpus = cpus;
uint smp_count = 2;
char smp_oem[7];
const char *smp_gap;
bool (*smp_on_call)(struct vcpu *vcpu, bool waits);
const struct vcpu_ops *vcpu_ops;
const struct cpu_signals *cpu_signals;
struct boot_info boot_info;

static uint calls, renewed;
static int started_at;
static char order[64]; /* what has been done to CPU 1, a letter each */

static void note(char what)
{
	size_t n = strlen(order);

	assert_true(n + 1 < sizeof(order));
	order[n] = what;
	order[n + 1] = '\0';
}

void smp_call(struct smp_cpu *cpu)
{
	calls++;
}

static void note_start(struct vcpu *vcpu, u8 vector)
{
	note('s');
	started_at = vector;
}

static void note_reset(struct vcpu *vcpu, const struct real_mode_entry *entry)
{
	note('r');
}

static int note_wait(struct vcpu *vcpu, bool probe)
{
	if (!probe)
		note('w');
	return 0;
}

/* As AMD's and as Intel's CPUs are. */
static const struct vcpu_ops ops = {.start = note_start, .reset = note_reset};
static const struct vcpu_ops native_ops = {
	.start = note_start,
	.reset = note_reset,
	.wait_for_sipi = note_wait,
};

/* While it sleeps, the guest sends it two start-up IPIs, as all guests do. */
void cpu_idle(const u32 *wake)
{
	smp_send_sipi(CPU_1, 0x9a);
	smp_send_sipi(CPU_1, 0x9b);
}

static int both_run(void **state)
{
	for (uint i = 0; i < 2; i++)
		cpus[i] = (struct smp_cpu){.apic_id = i, .sipi = -1};
	vcpu_ops = &ops;
	calls = 0;
	started_at = -1;
	order[0] = '\0';
	smp_first_is_ready(); /* sets cpu_signals */
	return 0;
}

static void a_cpu_that_runs_ignores_a_start_up_ipi(void **state)
{
	smp_send_sipi(CPU_1, 0x9a);
	assert_int_equal(CPU_1->sipi, -1);
	assert_int_equal(calls, 0);
}

static void after_an_init_the_first_start_up_ipi_counts(void **state)
{
	smp_send_init(CPU_1);
	assert_int_equal(calls, 1);
	*this_cpu(cpu_number) = 1;
	smp_wait_for_sipi(NULL);
	*this_cpu(cpu_number) = 0;
	assert_int_equal(started_at, 0x9a);
	assert_int_equal(calls, 2);
}

static void a_later_init_takes_a_start_up_ipi_back(void **state)
{
	smp_send_init(CPU_1);
	smp_send_sipi(CPU_1, 0x12);
	smp_send_init(CPU_1);
	assert_int_equal(CPU_1->sipi, -1);
	assert_true(CPU_1->waiting && CPU_1->init);
}

static void the_boot_cpu_does_not_wait(void **state)
{
	smp_send_init(CPU_0);
	assert_true(CPU_0->init);
	assert_false(CPU_0->waiting);
}

static void after_an_init_the_apic_is_reset_before_the_wait(void **state)
{
	*this_cpu(cpu_number) = 1;
	CPU_1->waiting = true;
	CPU_1->ldr = 0x02000000;
	cpu_signals->init(NULL);
	*this_cpu(cpu_number) = 0;
	assert_string_equal(order, "ras");
	assert_int_equal(CPU_1->ldr, 0);
	assert_false(CPU_1->waits_in_guest);
}

/* A SIPI that came before it waits would be lost. */
static void hardware_that_waits_does_so_before_all_else(void **state)
{
	vcpu_ops = &native_ops;
	*this_cpu(cpu_number) = 1;
	smp_wait_for_sipi(NULL); /* at the end of its start-up */
	assert_true(smp_waits_in_guest(CPU_1));
	renewed = 0;
	cpu_signals->sipi(NULL, 0x99);
	assert_int_equal(renewed, 1);
	assert_string_equal(order, "wpas");
	assert_false(smp_waits_in_guest(CPU_1));
	cpu_signals->init(NULL);
	assert_string_equal(order, "wpasw");
	assert_true(smp_waits_in_guest(CPU_1));
	cpu_signals->sipi(NULL, 0x9a);
	*this_cpu(cpu_number) = 0;
	assert_string_equal(order, "wpaswpas");
	assert_int_equal(started_at, 0x9a);
	assert_false(smp_waits_in_guest(CPU_1));
}

/* Called for a meeting, or by a start-up IPI, it comes, and waits on. */
static uint met;
static bool meets, waited;

static bool note_meeting(struct vcpu *vcpu, bool waits)
{
	met += meets;
	waited = waits;
	return meets;
}

static void a_cpu_that_waits_comes_to_a_meeting_and_waits_on(void **state)
{
	smp_on_call = note_meeting;
	met = 0;
	meets = true;
	*this_cpu(cpu_number) = 1;
	CPU_1->waiting = true;
	smp_wait_for_sipi(NULL); /* asleep in Vellum */
	assert_true(met && waited);
	assert_int_equal(started_at, 0x9a);
	cpu_signals->stop(NULL); /* out of the guest */
	assert_false(waited);
	vcpu_ops = &native_ops;
	order[0] = '\0';
	smp_wait_for_sipi(NULL); /* in the guest */
	cpu_signals->sipi(NULL, 0);
	assert_true(waited);
	assert_string_equal(order, "wpw");
	assert_true(smp_waits_in_guest(CPU_1));
	meets = false;
	cpu_signals->sipi(NULL, 0); /* too late */
	assert_string_equal(order, "wpwpw");
	cpu_signals->sipi(NULL, 0x77);
	*this_cpu(cpu_number) = 0;
	smp_on_call = NULL;
	assert_int_equal(started_at, 0x77);
}

static void the_boot_cpu_is_reset_at_once_by_any_hardware(void **state)
{
	vcpu_ops = &native_ops;
	cpu_signals->init(NULL);
	assert_string_equal(order, "ra");
	assert_false(smp_waits_in_guest(CPU_0));
}

/* The native way runs on no emulator here: its choice, at least, is tested. */
static void hardware_is_trusted_only_where_it_can_be(void **state)
{
	assert_true(init_sipi_is_reported(true, false, "", "INTEL "));
	assert_true(init_sipi_is_reported(true, false, "", "\0\0\0\0\0"));
	assert_true(init_sipi_is_reported(true, false, "native", "BOCHS "));
	assert_false(init_sipi_is_reported(true, false, "", "BOCHS "));
	assert_false(init_sipi_is_reported(true, false, "trap", "INTEL "));
	assert_false(init_sipi_is_reported(true, true, "native", "INTEL "));
	assert_false(init_sipi_is_reported(false, false, "native", "INTEL "));
}

/* What is not asked here. */
void smp_take_calls(void (*at_once)(const struct trap_frame *frame))
{
}

bool smp_call_taken(void)
{
	return false;
}

/* A CPU flushes before it may be in the guest again. */
void smp_renew_map(struct vcpu *v)
{
	renewed++;
}

void smp_stop_if_panic(void)
{
	note('p');
}

void smp_stop_in_guest(void)
{
}

void smp_stop_in_nmi(const struct trap_frame *frame)
{
}

void lapic_reset(void)
{
	note('a');
}

u32 lapic_read(uint offset)
{
	return 0;
}

bool lapic_is_x2apic(void)
{
	return false;
}

const struct setting_type choice_type;

int setting_choice(const struct setting *setting)
{
	return -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, both_run)
		T(a_cpu_that_runs_ignores_a_start_up_ipi),
		T(after_an_init_the_first_start_up_ipi_counts),
		T(a_later_init_takes_a_start_up_ipi_back),
		T(the_boot_cpu_does_not_wait),
		T(after_an_init_the_apic_is_reset_before_the_wait),
		T(hardware_that_waits_does_so_before_all_else),
		T(a_cpu_that_waits_comes_to_a_meeting_and_waits_on),
		T(the_boot_cpu_is_reset_at_once_by_any_hardware),
		T(hardware_is_trusted_only_where_it_can_be),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

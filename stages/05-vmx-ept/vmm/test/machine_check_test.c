/*
 * Machine checks in Vellum: which ones end it, and how the guest gets the rest.
 */
#include "host.h"
#include "lib/percpu.h"
#include "paging/trap.h"
#include "vmm/machine_check.h"
#include "vmm/vcpu.h"

#define MSR_MCG_CAP    0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MC0_STATUS 0x401

#define MCIP     BIT(2)
#define VMM_BASE (128 * MIB)
#define ERROR    (MC_VALID | MC_UC | MC_ENABLED | MC_ADDRV)

struct boot_info boot_info;

static bool (*handler)(struct trap_frame *);
static struct vcpu vcpu;
static bool is_busy;
static u64 cr4;
static uint injected;

void trap_set_handler(uint vector, bool (*fn)(struct trap_frame *))
{
	assert_int_equal(vector, VECTOR_MC);
	handler = fn;
}

struct vcpu *vcpu_current(void)
{
	return &vcpu;
}

static u64 get(struct vcpu *which, enum vcpu_reg reg)
{
	assert_int_equal(reg, VCPU_CR4);
	return cr4;
}

static bool inject(struct vcpu *which)
{
	assert_ptr_equal(which, &vcpu);
	injected += !is_busy;
	return !is_busy;
}

static const struct vcpu_ops ops = {.get = get, .inject_machine_check = inject};
const struct vcpu_ops *vcpu_ops = &ops;

static struct machine_check mc;

/* One in which all is well but for memory of the guest's. */
static int start(void **state)
{
	boot_info.vmm_base = PHYS(VMM_BASE);
	boot_info.vmm_size = 128 * MIB;
	mc = (struct machine_check){.status = MCG_STATUS_RIPV | MCIP,
				    .count = 4};
	mc.bank[2] = (struct mc_bank){.status = ERROR, .address = 16 * MIB};
	cr4 = CR4_MCE;
	is_busy = false;
	injected = 0;
	vcpu.stop = 0;
	host_printed[0] = '\0';
	return 0;
}

static void expect(const char *why)
{
	const char *said = machine_check_is_fatal(&mc);

	if (why)
		assert_string_equal(said ? said : "nothing", why);
	else
		assert_null(said);
}

static void memory_of_the_guests_is_no_harm(void **state)
{
	expect(NULL);
	mc.bank[2].address = VMM_BASE - PAGE_SIZE;
	expect(NULL);
	mc.bank[2].address = VMM_BASE + boot_info.vmm_size;
	expect(NULL);
}

static void memory_of_ours_is_the_end(void **state)
{
	mc.bank[2].address = VMM_BASE;
	expect("in Vellum's memory");
	mc.bank[2].address = VMM_BASE + boot_info.vmm_size - 1;
	expect("in Vellum's memory");
	mc.bank[2].address |= 6UL << 56; /* AMD: exact to 64 bytes */
	expect("in Vellum's memory");
	mc.bank[2].status &= ~MC_ADDRV;
	expect("nobody says where");
}

static void a_cpu_that_can_t_go_on_does_not(void **state)
{
	mc.status |= MCG_STATUS_EIPV;
	expect(NULL);
	mc.bank[2].status |= MC_AR; /* we were reading it, */
	expect("in what Vellum was reading");
	mc.status &= ~MCG_STATUS_EIPV; /* or another CPU was */
	expect(NULL);
	mc.bank[2].status |= MC_PCC;
	expect("the CPU's state may be corrupt");
	mc.bank[2].status = 0;
	expect(NULL);
	mc.status &= ~MCG_STATUS_RIPV;
	expect("the CPU can't go on");
}

/* A corrected one, one that raises no exception, one that is over. */
static void errors_that_are_not_the_cause_do_not_count(void **state)
{
	const u64 needed[] = {MC_VALID, MC_UC, MC_ENABLED};

	for (uint i = 0; i < ARRAY_SIZE(needed); i++) {
		mc.bank[2].status = (ERROR | MC_PCC) & ~needed[i];
		mc.bank[2].address = VMM_BASE;
		expect(NULL);
	}
	mc.bank[5].status = ERROR | MC_PCC; /* there are only four */
	expect(NULL);
}

/* The machine's registers say what @mc says; then the exception comes. */
static bool happens(void)
{
	struct trap_frame frame = {0};

	host_cpu_reset();
	host_set_cpuid(1, 0, (struct cpuid_regs){.edx = BIT(7) | BIT(14)});
	host_set_msr(MSR_MCG_CAP, mc.count);
	host_set_msr(MSR_MCG_STATUS, mc.status);
	for (uint i = 0; i < mc.count; i++) {
		host_set_msr(MSR_MC0_STATUS + 4 * i, mc.bank[i].status);
		host_set_msr(MSR_MC0_STATUS + 4 * i + 1, mc.bank[i].address);
	}
	machine_checks_keep();
	return handler(&frame);
}

static void what_is_kept_reaches_the_guest_once(void **state)
{
	mc.status |= MCG_STATUS_EIPV;
	machine_check_serve(&vcpu);
	assert_int_equal(injected, 0);
	assert_true(happens());
	assert_int_equal(vcpu.stop, 1); /* no entry before it is looked at */
	assert_string_equal(host_printed, "");
	assert_int_equal(rdmsr(MSR_MCG_STATUS), MCG_STATUS_RIPV | MCIP);
	assert_int_equal(rdmsr(MSR_MC0_STATUS + 8), ERROR);
	machine_check_serve(&vcpu);
	machine_check_serve(&vcpu);
	assert_int_equal(injected, 1);
	assert_non_null(strstr(host_printed, "while CPU 0 ran Vellum"));
}

static void it_waits_until_the_guest_can_take_it(void **state)
{
	assert_true(happens());
	cr4 = 0;
	machine_check_serve(&vcpu);
	cr4 = CR4_MCE;
	is_busy = true;
	machine_check_serve(&vcpu);
	assert_int_equal(injected, 0);
	is_busy = false;
	machine_check_serve(&vcpu);
	assert_int_equal(injected, 1);
}

static void a_fatal_one_is_not_kept(void **state)
{
	mc.bank[2].status |= MC_PCC;
	assert_false(happens());
	machine_check_serve(&vcpu);
	assert_int_equal(injected, 0);
	assert_panics(machine_check_at_entry(),
		      "a machine check at an entry into the guest: the CPU's "
		      "state may be corrupt");
}

#define TEST(name) cmocka_unit_test_setup(name, start)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_of_the_guests_is_no_harm),
		TEST(memory_of_ours_is_the_end),
		TEST(a_cpu_that_can_t_go_on_does_not),
		TEST(errors_that_are_not_the_cause_do_not_count),
		TEST(what_is_kept_reaches_the_guest_once),
		TEST(it_waits_until_the_guest_can_take_it),
		TEST(a_fatal_one_is_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * WRMSR and RDMSR exits: what is passed on, what is taken in silence, what is a
 * #GP, and what is said of it.
 */
#include "boot/settings.h"
#include "boot/boot_info.h"
#include "host.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "vmm/hypercall.h"
#include "vmm/msr.h"
#include "vmm/vcpu.h"

#define SYSCFG   0xc0010010
#define HWCR     0xc0010015
#define IORR     0xc0010016
#define IRPERF   BIT(30)
#define SMM_LOCK BIT(0)

struct boot_info boot_info;

/* What `vellumctl msr` calls. */
extern const struct hypercall hypercall_6;

static struct vcpu vcpu;
static int injected, skipped;
static u8 exits[0x20000]; /* by the low bits of the number: 1 read, 2 write */

struct vcpu *vcpu_first(void)
{
	return NULL;
}

static void step_over(struct vcpu *v)
{
	skipped++;
}

static void inject(struct vcpu *v, uint vector, u32 error)
{
	injected = vector;
}

static int own_read(struct vcpu *v, u32 msr, u64 *value)
{
	return -ENOENT;
}

static int own_write(struct vcpu *v, u32 msr, u64 value)
{
	return -ENOENT;
}

static void intercept(struct vcpu *v, u32 msr, bool read, bool write)
{
	exits[msr & 0x1ffff] = read | write << 1;
}

static const struct vcpu_ops vmx = {
	.id = 1,
	.skip_instruction = step_over,
	.inject_exception = inject,
	.read_msr = own_read,
	.write_msr = own_write,
	.intercept_msr = intercept,
};
static struct vcpu_ops svm;

const struct vcpu_ops *vcpu_ops;

exit_handler_fn handle_exit_RDMSR, handle_exit_WRMSR;

/* True if it went well; false for a #GP. */
static bool wrmsr_exit(u32 msr, u64 value)
{
	injected = skipped = 0;
	vcpu.regs.rcx = msr;
	vcpu.regs.rax = (u32)value;
	vcpu.regs.rdx = value >> 32;
	handle_exit_WRMSR(&vcpu, NULL);
	assert_int_equal(skipped, !injected);
	assert_true(!injected || injected == VECTOR_GP);
	return !injected;
}

static bool rdmsr_exit(u32 msr)
{
	injected = skipped = 0;
	vcpu.regs.rcx = msr;
	handle_exit_RDMSR(&vcpu, NULL);
	return !injected;
}

static void begin(const struct vcpu_ops *ops, const char *line)
{
	vcpu_ops = ops;
	host_cpu_reset();
	boot_info = (struct boot_info){.firmware = BOOT_BIOS};
	assert_true(copy_string(boot_info.cmdline, line,
				sizeof(boot_info.cmdline)));
	for (const struct setting *s = __start_settings; s != __stop_settings;
	     s++)
		*s->value = (struct setting_value){0};
	settings_check();
	memset(exits, 2, sizeof(exits));
	msr_intercept_all(&vcpu);
	host_printed[0] = '\0';
}

static u64 refusals_of(u32 msr)
{
	u64 i = 0;

	do
		vcpu.regs.rcx = i++;
	while (!hypercall_6.call(&vcpu) && vcpu.regs.rbx != msr);
	return vcpu.regs.rbx == msr ? vcpu.regs.rdx : 0;
}

static void a_write_of_what_is_there_is_taken_in_silence(void **state)
{
	begin(&svm, "");
	host_set_msr(SYSCFG, 0x760000);
	assert_true(wrmsr_exit(SYSCFG, 0x760000));
	assert_int_equal(refusals_of(SYSCFG), 0);
	assert_string_equal(host_printed, "");
}

static void any_other_is_a_gp_logged_once_and_counted(void **state)
{
	begin(&svm, "");
	host_set_msr(IORR, 0);
	for (uint i = 1; i < 10; i++)
		assert_false(wrmsr_exit(IORR, 0x18 + i));
	assert_int_equal(rdmsr(IORR), 0);
	assert_int_equal(refusals_of(IORR), 9);
	assert_string_equal(host_printed,
			    "vmm: WRMSR of 0x19 to MSR 0xc0010016: #GP\n");
	assert_true(rdmsr_exit(IORR));
}

static void a_register_that_nobody_has_is_a_gp(void **state)
{
	begin(&vmx, "");
	assert_false(wrmsr_exit(0x4b564d01, 0x1001)); /* KVM's */
	assert_false(wrmsr_exit(0x1fff, 0));
	assert_false(rdmsr_exit(0x1fff));
	host_set_msr(0x480, 1); /* VMX */
	assert_false(rdmsr_exit(0x480));
	assert_false(wrmsr_exit(0x480, 1));
}

static void some_bits_count_and_the_others_stay(void **state)
{
	begin(&svm, "");
	host_set_msr(HWCR, SMM_LOCK);
	assert_true(wrmsr_exit(HWCR, SMM_LOCK | IRPERF));
	assert_int_equal(rdmsr(HWCR), SMM_LOCK | IRPERF);
	assert_string_equal(host_printed, "");
	assert_true(wrmsr_exit(HWCR, BIT(3)));
	assert_int_equal(rdmsr(HWCR), SMM_LOCK);
	assert_true(strstr(host_printed, "MSR 0xc0010015: only 0x"));
	assert_int_equal(refusals_of(HWCR), 1);
}

static void the_apic_stays_where_it_is(void **state)
{
	u64 base = 0xfee00000 | BIT(8) | BIT(11);

	begin(&vmx, "");
	host_set_msr(MSR_APIC_BASE, base);
	assert_int_equal(exits[MSR_APIC_BASE], 2);
	assert_false(wrmsr_exit(MSR_APIC_BASE, base + PAGE_SIZE));
	assert_false(wrmsr_exit(MSR_APIC_BASE, base | BIT(40)));
	assert_false(wrmsr_exit(MSR_APIC_BASE, base & ~BIT(8)));
	assert_int_equal(rdmsr(MSR_APIC_BASE), base);
	assert_true(wrmsr_exit(MSR_APIC_BASE, base));
	assert_true(wrmsr_exit(MSR_APIC_BASE, base | BIT(10)));
	assert_int_equal(rdmsr(MSR_APIC_BASE), base | BIT(10));
	assert_true(wrmsr_exit(MSR_APIC_BASE, base & ~BIT(11)));
	assert_int_equal(rdmsr(MSR_APIC_BASE), base & ~BIT(11));
	/* Nor does it move while it is off. */
	assert_false(wrmsr_exit(MSR_APIC_BASE, base + PAGE_SIZE));
}

static void xss_has_the_bits_that_cpuid_shows(void **state)
{
	begin(&svm, "");
	host_set_msr(0xda0, 0);
	assert_true(wrmsr_exit(0xda0, 0));
	assert_false(wrmsr_exit(0xda0, BIT(11))); /* CET */
	assert_false(wrmsr_exit(0xda0, BIT(8)));  /* Intel PT */
	assert_int_equal(rdmsr(0xda0), 0);
}

static void what_the_guest_may_write_does_not_exit(void **state)
{
	static const u32 hot[] = {MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
				  0x48,        0x6e0,       0x80b,
				  MSR_PAT,     0x10};

	begin(&vmx, "");
	for (uint i = 0; i < ARRAY_SIZE(hot); i++)
		assert_int_equal(exits[hot[i] & 0x1ffff], 0);
	assert_int_equal(exits[0x480], 3);
	assert_int_equal(exits[0x150], 2);
}

static void the_command_line_lets_msrs_pass(void **state)
{
	begin(&vmx, "msr=pass:0x150,0x1b msr=pass:0x480");
	host_set_msr(0x150, 0);
	host_set_msr(MSR_APIC_BASE, 0xfee00900);
	assert_int_equal(exits[0x150], 0);
	assert_true(wrmsr_exit(0x150, 7));
	assert_int_equal(rdmsr(0x150), 7);
	assert_int_equal(exits[0x480], 3);
	assert_false(wrmsr_exit(MSR_APIC_BASE, 0xfed00900));
	begin(&vmx, "");
	assert_false(wrmsr_exit(0x150, 7));
}

/* Last: the table of refusals is full then. */
static void a_guest_cannot_fill_the_log(void **state)
{
	begin(&vmx, "");
	for (u32 msr = 0x40000000; msr < 0x40000400; msr++)
		assert_false(wrmsr_exit(msr, 1));
	host_printed[0] = '\0';
	for (u32 msr = 0x40000000; msr < 0x40000400; msr++)
		assert_false(wrmsr_exit(msr, 1));
	assert_string_equal(host_printed, "");
	assert_int_equal(refusals_of(0x40000000), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_of_what_is_there_is_taken_in_silence),
		cmocka_unit_test(any_other_is_a_gp_logged_once_and_counted),
		cmocka_unit_test(a_register_that_nobody_has_is_a_gp),
		cmocka_unit_test(some_bits_count_and_the_others_stay),
		cmocka_unit_test(the_apic_stays_where_it_is),
		cmocka_unit_test(xss_has_the_bits_that_cpuid_shows),
		cmocka_unit_test(what_the_guest_may_write_does_not_exit),
		cmocka_unit_test(the_command_line_lets_msrs_pass),
		cmocka_unit_test(a_guest_cannot_fill_the_log),
	};

	svm = vmx;
	svm.id = 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

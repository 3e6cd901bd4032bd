/*
 * What INIT does to a guest's CPU, and what it leaves alone (APM 2 14.1.3).
 */
#include "host.h"
#include "lib/string.h"
#include "svm/svm.h"

static struct vmcb vmcb;
static struct svm_vcpu backend = {.vmcb = &vmcb};
static struct vcpu vcpu = {.backend = &backend};

/* Not asked here. */
void svm_nmi_reset(struct vcpu *v)
{
}

void svm_flush_map(struct vcpu *v)
{
}

/* A CPU that has run for a while: nothing in it is 0. */
static int has_run(void **state)
{
	host_cpu_reset();
	host_has_breakpoints = true;
	memset(&vmcb.save, 0x5a, sizeof(vmcb.save));
	memset(&vcpu.regs, 0x5a, sizeof(vcpu.regs));
	return 0;
}

static void init_keeps_msrs(void **state)
{
	struct vmcb_save before = vmcb.save;

	svm_reset(&vcpu, NULL);
	assert_int_equal(vmcb.save.g_pat, before.g_pat);
	assert_int_equal(vmcb.save.star, before.star);
	assert_int_equal(vmcb.save.lstar, before.lstar);
	assert_int_equal(vmcb.save.cstar, before.cstar);
	assert_int_equal(vmcb.save.sfmask, before.sfmask);
	assert_int_equal(vmcb.save.kernel_gs_base, before.kernel_gs_base);
	assert_int_equal(vmcb.save.sysenter_cs, before.sysenter_cs);
	assert_int_equal(vmcb.save.sysenter_esp, before.sysenter_esp);
	assert_int_equal(vmcb.save.sysenter_eip, before.sysenter_eip);
}

static void init_keeps_the_caches_as_they_are(void **state)
{
	static const u64 bits[] = {0, CR0_CD, CR0_CD | CR0_NW};

	for (uint i = 0; i < ARRAY_SIZE(bits); i++) {
		vmcb.save.cr0 = bits[i] | CR0_PE | CR0_PG | CR0_WP | CR0_NE;
		svm_reset(&vcpu, NULL);
		assert_int_equal(vmcb.save.cr0, bits[i] | CR0_ET);
	}
}

static void init_clears_the_rest(void **state)
{
	const struct guest_regs none = {0};

	svm_start(&vcpu, 0x9a);
	vcpu.regs.rdx = 0; /* the CPU's signature */
	assert_memory_equal(&vcpu.regs, &none, sizeof(none));
	assert_false(host_has_breakpoints);
	assert_int_equal(vmcb.save.dr6, 0xffff0ff0);
	assert_int_equal(vmcb.save.dr7, 0x400);
	assert_int_equal(vmcb.save.cr2 | vmcb.save.cr3 | vmcb.save.cr4, 0);
	assert_int_equal(vmcb.save.rsp | vmcb.save.rax | vmcb.save.cpl, 0);
	assert_int_equal(vmcb.save.rflags, RFLAGS_FIXED);
	assert_int_equal(vmcb.save.efer, EFER_SVME);
	assert_int_equal(vmcb.save.cs.base, 0x9a000);
	assert_int_equal(vmcb.save.rip, 0);
	assert_int_equal(vmcb.save.ss.base | vmcb.save.fs.base |
				 vmcb.save.gs.base | vmcb.save.ldtr.base |
				 vmcb.save.tr.base | vmcb.save.gdtr.base |
				 vmcb.save.idtr.base,
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, has_run)
		T(init_keeps_msrs),
		T(init_keeps_the_caches_as_they_are),
		T(init_clears_the_rest),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

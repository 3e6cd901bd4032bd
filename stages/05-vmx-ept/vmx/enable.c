/*
 * Switching VMX on (SDM 3C 24.7, 24.8).
 *
 * The firmware has the first word: IA32_FEATURE_CONTROL, once locked, stays as
 * it is until reset. If nobody has locked it, we do, with VMX on; a guest that
 * reads it later is told otherwise (msr.c). Then CR0 and CR4 must have the
 * bits that VMX operation fixes, and VMXON gets a page of the CPU's own.
 * Book: chapter 5.
 */
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/guarded.h"
#include "vmm/no_guest.h"
#include "vmx/vmx.h"

static PERCPU(struct vmx_caps, caps_of_cpu);
static PERCPU(phys_t, vmxon_region); /* kept for the next time */

const struct vmx_caps *vmx_caps(void)
{
	return this_cpu(caps_of_cpu);
}

/*
 * An unlocked IA32_FEATURE_CONTROL lets VMXON fail just as a locked one with
 * VMX off (SDM 3C 24.7): set the bit, and lock it for our own sake.
 */
static void unlock_vmx(u64 feature_control)
{
	if (!(feature_control & FEATURE_LOCKED))
		wrmsr(MSR_FEATURE_CONTROL,
		      feature_control | FEATURE_VMX | FEATURE_LOCKED);
}

/*
 * Give CR0 and CR4 what VMX operation demands (SDM 3D A.7, A.8). OSXSAVE is
 * for the guest's sake: XSETBV always exits, we execute it in its place, and
 * without the bit it would raise #UD here.
 */
static void prepare_control_registers(const struct vmx_caps *caps)
{
	u64 cr4 = read_cr4() | CR4_VMXE | (caps->xsave ? CR4_OSXSAVE : 0);
	u64 cr0 = read_cr0() & ~(CR0_CD | CR0_NW); /* for good: registers.c */

	write_cr0((cr0 | caps->cr0_fixed0) & caps->cr0_fixed1);
	write_cr4((cr4 | caps->cr4_fixed0) & caps->cr4_fixed1);
}

struct vmxon {
	u64 region;
	bool failed;
};

static void execute_vmxon(void *arg)
{
	struct vmxon *v = arg;

	asm volatile("vmxon %1" : "=@ccbe"(v->failed) : "m"(v->region));
}

static int new_region(const struct vmx_caps *caps, phys_t *phys)
{
	void *region;

	if (alloc_page(&region, phys))
		return -ENOMEM;
	memset(region, 0, PAGE_SIZE);
	*(u32 *)region = caps->basic & BASIC_REVISION;
	return 0;
}

int vmx_enable(void)
{
	struct vmx_caps *caps = this_cpu(caps_of_cpu);
	phys_t *region = this_cpu(vmxon_region);
	struct vmxon v = {0};
	const char *why;

	vmx_read_caps(caps);
	if (vmx_check_caps(caps, &why))
		vmm_no_guest("%s", why ? why : "no VMX");
	if (!region->v && new_region(caps, region))
		return -ENOMEM;
	v.region = region->v;

	unlock_vmx(caps->feature_control);
	prepare_control_registers(caps);
	/* #GP where firmware left A20 masked, or SMX in the way. */
	if (guarded(execute_vmxon, &v, NULL) || v.failed)
		return -ENODEV;
	return 0;
}

static void execute_vmxoff(void *arg)
{
	asm volatile("vmxoff" : : : "cc");
	write_cr4(read_cr4() & ~CR4_VMXE);
}

/* From here on there is no VMCS for an NMI to write to. #UD where VMXON had
 * failed. */
void vmx_disable(void)
{
	vmx_nmi_init(NULL);
	if (read_cr4() & CR4_VMXE)
		guarded(execute_vmxoff, NULL, NULL);
}

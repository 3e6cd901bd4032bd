/*
 * Switching SVM on (APM 2 15.4, 15.30).
 *
 * A bit of EFER does it. VMRUN then wants a page where the CPU keeps our state
 * while the guest runs; nobody else looks into it. Book: chapter 5.
 */
#include "lib/cpu.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/guarded.h"
#include "paging/trap.h"
#include "svm/svm.h"

static PERCPU(phys_t, host_save); /* kept for the next time */

/* An #SX tells us of an INIT (APM 2 15.28); with it, the INIT is over. */
static bool swallow_init(struct trap_frame *frame)
{
	return true;
}

static int new_host_save(phys_t *phys)
{
	void *page;
	int error = alloc_page(&page, phys);

	if (!error)
		memset(page, 0, PAGE_SIZE);
	return error;
}

int svm_enable(void)
{
	phys_t *save = this_cpu(host_save);
	u64 vm_cr;
	int error = save->v ? 0 : new_host_save(save);

	if (error)
		return error;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, save->v);
	/* An INIT to us becomes an exception, not a reset behind our back; and
	 * a guest that masks address line 20 can't do that to us. (Intel's
	 * CPUs block A20M# in VMX operation: SDM 3C 31.3, VMXON.) */
	trap_set_handler(VECTOR_SX, swallow_init);
	if (!guarded_rdmsr(MSR_VM_CR, &vm_cr))
		guarded_wrmsr(MSR_VM_CR, vm_cr | VM_CR_R_INIT | VM_CR_DIS_A20M);
	return 0;
}

/* What waits while GIF is 0 is taken first: without SVM nothing could set GIF
 * again (APM 2 15.17). */
void svm_disable(void)
{
	u64 vm_cr;

	if (!(rdmsr(MSR_EFER) & EFER_SVME))
		return;
	svm_listen(true);
	if (!guarded_rdmsr(MSR_VM_CR, &vm_cr))
		guarded_wrmsr(MSR_VM_CR, vm_cr & ~VM_CR_R_INIT);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_SVME);
}

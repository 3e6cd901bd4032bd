/*
 * I/O ports under SVM: the permission map, one bit for each port. It is three
 * pages, since an access at port 0xffff can run over the end of the second
 * (APM 2 15.10.1). Nobody needs it until the first port is intercepted.
 */
#include "console/panic.h"
#include "lib/string.h"
#include "page/page.h"
#include "svm/svm.h"

static void make_map(struct vcpu *vcpu)
{
	struct svm_vcpu *svm = svm_vcpu(vcpu);
	struct vmcb_control *c = &svm->vmcb->control;
	phys_t phys;

	if (alloc_pages((void **)&svm->iopm, &phys, IOPM_SIZE / PAGE_SIZE))
		panic("no memory for a map of I/O ports");
	memset(svm->iopm, 0, IOPM_SIZE);
	c->iopm_base = phys.v;
	c->intercept1 |= INTERCEPT1_IO;
}

void svm_intercept_io(struct vcpu *vcpu, u16 port, bool on)
{
	struct svm_vcpu *svm = svm_vcpu(vcpu);

	if (!svm->iopm)
		make_map(vcpu);
	if (on)
		svm->iopm[port / 8] |= 1 << port % 8;
	else
		svm->iopm[port / 8] &= ~(1 << port % 8);
}

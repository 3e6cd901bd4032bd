/*
 * I/O ports under SVM: the permission map, one bit for each port. It is three
 * pages, since an access at port 0xffff can run over the end of the second
 * (APM 2 15.10.1). All CPUs have the same ports intercepted, so one map serves
 * all; it is complete before the guest runs, and never changes after that.
 */
#include "lib/string.h"
#include "page/page.h"
#include "svm/svm.h"
#include "vmm/no_guest.h"

static u8 *map; /* NULL: no port is intercepted yet */
static phys_t phys;

static void make_io_map(void)
{
	map = new_pages(&phys, IOPM_SIZE / PAGE_SIZE);
	if (!map)
		vmm_no_guest("no memory for a map of I/O ports");
	memset(map, 0, IOPM_SIZE);
}

void svm_intercept_io(struct vcpu *vcpu, u16 port)
{
	struct vmcb_control *c = &svm_vmcb(vcpu)->control;

	if (!map)
		make_io_map();
	map[port / 8] |= 1 << port % 8;
	c->iopm_base = phys.v;
	c->intercept1 |= INTERCEPT1_IO;
}

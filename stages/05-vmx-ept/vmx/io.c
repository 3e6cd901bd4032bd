/*
 * I/O ports under VMX: two bitmaps of a page each, for ports from 0 and from
 * 0x8000 on (SDM 3C 25.6.4). All CPUs have the same ports intercepted, so they
 * share the bitmaps, which are complete before the guest runs: they must not
 * change while a CPU is in the guest (SDM 3C 25.11.4).
 */
#include "lib/string.h"
#include "page/page.h"
#include "vmm/no_guest.h"
#include "vmx/vmx.h"

static u8 *bitmaps; /* NULL: no port is intercepted yet */
static phys_t phys;

static void make_io_bitmaps(void)
{
	bitmaps = new_pages(&phys, 2);
	if (!bitmaps)
		vmm_no_guest("no memory for the bitmaps of I/O ports");
	memset(bitmaps, 0, 2 * PAGE_SIZE);
}

void vmx_intercept_io(struct vcpu *vcpu, u16 port)
{
	if (!(vmx_caps()->allowed[CONTROL_PROC].one & PROC_IO_BITMAPS))
		vmm_no_guest("the CPU lacks the VMX control use I/O bitmaps");
	if (!bitmaps)
		make_io_bitmaps();
	bitmaps[port / 8] |= 1 << port % 8;
	vmcs_write(VMCS_IO_BITMAP_A, phys.v);
	vmcs_write(VMCS_IO_BITMAP_B, phys.v + PAGE_SIZE);
	vmx_add_proc_controls(vcpu->backend, PROC_IO_BITMAPS);
}

/*
 * I/O ports under VMX: two bitmaps of a page each, for ports from 0 and from
 * 0x8000 on (SDM 3C 25.6.4). Nobody needs them until the first port is
 * intercepted, and only then must the CPU have the control.
 */
#include "console/panic.h"
#include "lib/string.h"
#include "page/page.h"
#include "vmx/events.h"
#include "vmx/vmx.h"

static void make_bitmaps(struct vmx_vcpu *vmx)
{
	phys_t phys;

	if (!(vmx_caps()->allowed[CONTROL_PROC].one & PROC_IO_BITMAPS))
		panic("the CPU lacks the VMX control use I/O bitmaps");
	if (alloc_pages((void **)&vmx->io_bitmaps, &phys, 2))
		panic("no memory for the bitmaps of I/O ports");
	memset(vmx->io_bitmaps, 0, 2 * PAGE_SIZE);
	vmcs_write(VMCS_IO_BITMAP_A, phys.v);
	vmcs_write(VMCS_IO_BITMAP_B, phys.v + PAGE_SIZE);
	vmx_add_proc_controls(vmx, PROC_IO_BITMAPS);
}

void vmx_intercept_io(struct vcpu *vcpu, u16 port, bool on)
{
	struct vmx_vcpu *vmx = vcpu->backend;

	if (!vmx->io_bitmaps)
		make_bitmaps(vmx);
	if (on)
		vmx->io_bitmaps[port / 8] |= 1 << port % 8;
	else
		vmx->io_bitmaps[port / 8] &= ~(1 << port % 8);
}

/*
 * RDMSR and WRMSR exits. They come from MSRs that a back end or a table entry
 * asked for, and from numbers outside the ranges that the hardware's bitmap
 * covers. Those are tried on the hardware, which knows what exists.
 */
#include "vmm/msr.h"

#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "paging/guarded.h"
#include "vmm/vcpu.h"

extern const struct msr_handler __table_msr_start[], __table_msr_end[];

static const struct msr_handler *find_handler(u32 msr)
{
	for (const struct msr_handler *h = __table_msr_start;
	     h != __table_msr_end; h++)
		if (msr >= h->first && msr <= h->last)
			return h;
	return NULL;
}

void msr_intercept_all(struct vcpu *vcpu)
{
	for (const struct msr_handler *h = __table_msr_start;
	     h != __table_msr_end; h++) {
		if (h->wanted && !h->wanted())
			continue;
		for (u32 msr = h->first; msr <= h->last; msr++)
			vcpu_ops->intercept_msr(vcpu, msr, h->read, h->write);
	}
}

static int read_msr(struct vcpu *vcpu, u32 msr, u64 *value)
{
	const struct msr_handler *h = find_handler(msr);
	int error = vcpu_ops->read_msr(vcpu, msr, value);

	if (error != -ENOENT)
		return error;
	if (h && h->read)
		return h->read(vcpu, msr, value);
	return guarded_rdmsr(msr, value);
}

static int write_msr(struct vcpu *vcpu, u32 msr, u64 value)
{
	const struct msr_handler *h = find_handler(msr);
	int error = vcpu_ops->write_msr(vcpu, msr, value);

	if (error != -ENOENT)
		return error;
	if (h && h->write)
		return h->write(vcpu, msr, value);
	return guarded_wrmsr(msr, value);
}

EXIT_HANDLER(RDMSR)
{
	u64 value;

	if (read_msr(vcpu, vcpu->regs.rcx, &value)) {
		vcpu_ops->inject_exception(vcpu, VECTOR_GP, 0);
		return;
	}
	vcpu->regs.rax = (u32)value;
	vcpu->regs.rdx = value >> 32;
	vcpu_ops->skip_instruction(vcpu);
}

EXIT_HANDLER(WRMSR)
{
	u64 value = vcpu->regs.rdx << 32 | (u32)vcpu->regs.rax;

	if (write_msr(vcpu, vcpu->regs.rcx, value))
		vcpu_ops->inject_exception(vcpu, VECTOR_GP, 0);
	else
		vcpu_ops->skip_instruction(vcpu);
}

/*
 * Microcode is the firmware's affair: an update from under us could add or
 * remove features that we looked at. The write is taken and dropped, so that
 * the guest's loader finds the old revision and gives up.
 */
static int drop_microcode(struct vcpu *vcpu, u32 msr, u64 value)
{
	static u64 dropped;

	dropped++;
	printf("vmm: microcode update %lu dropped (MSR 0x%x, 0x%lx)\n", dropped,
	       msr, value);
	return 0;
}

#define MSR_BIOS_UPDT_TRIG 0x79       /* Intel */
#define MSR_PATCH_LOADER   0xc0010020 /* AMD */

MSR_HANDLER(microcode_intel, MSR_BIOS_UPDT_TRIG, MSR_BIOS_UPDT_TRIG, NULL,
	    drop_microcode);
MSR_HANDLER(microcode_amd, MSR_PATCH_LOADER, MSR_PATCH_LOADER, NULL,
	    drop_microcode);

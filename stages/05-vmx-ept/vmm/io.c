/*
 * I/O exits: an access that touches a watched port is done here, in the guest's
 * place. It may be wider than the byte that is watched.
 */
#include "vmm/io.h"

#include "console/printf.h"
#include "lib/cpu.h"
#include "vmm/vcpu.h"

static struct io_watch *watches; /* complete before anybody reads it */

void io_watch(struct io_watch *watch)
{
	watch->next = watches;
	watches = watch;
}

void io_intercept(struct vcpu *vcpu)
{
	for (struct io_watch *w = watches; w; w = w->next)
		vcpu_ops->intercept_io(vcpu, w->port);
}

/* @value, as it goes from the guest to the device or the other way, once each
 * watch has seen its byte. */
static u32 shown_to_watches(const struct vm_exit *exit, u32 value)
{
	for (struct io_watch *w = watches; w; w = w->next) {
		u32 byte = (u32)w->port - exit->port, shift = byte * 8;
		u8 (*see)(const struct io_watch *, u8) =
			exit->write ? w->write : w->read;
		u8 seen;

		if (byte >= exit->size || !see)
			continue;
		seen = see(w, value >> shift);
		value = (value & ~(0xffU << shift)) | (u32)seen << shift;
	}
	return value;
}

u32 io_access(const struct vm_exit *exit, u32 value)
{
	if (!exit->write)
		return exit->size == 1   ? inb(exit->port)
		       : exit->size == 2 ? inw(exit->port)
					 : inl(exit->port);
	if (exit->size == 1)
		outb(exit->port, value);
	else if (exit->size == 2)
		outw(exit->port, value);
	else
		outl(exit->port, value);
	return value;
}

/* Who watches a part of the access may want to do all of it. */
static u32 do_access(const struct vm_exit *exit, u32 value)
{
	for (struct io_watch *w = watches; w; w = w->next)
		if (w->access && (u32)w->port - exit->port < exit->size)
			return w->access(exit, value);
	return io_access(exit, value);
}

/* IN changes as much of RAX as MOV would: 32 bits clear the upper half. */
static void read_port(struct vcpu *vcpu, const struct vm_exit *exit)
{
	u64 kept = exit->size < 4 ? vcpu->regs.rax & ~0UL << exit->size * 8 : 0;

	vcpu->regs.rax = kept | shown_to_watches(exit, do_access(exit, 0));
}

/* INS and OUTS at these ports are nothing that a system would do. */
EXIT_HANDLER(IO)
{
	if (exit->string) {
		printf("vmm: a string instruction at port 0x%x: #GP\n",
		       exit->port);
		vcpu_ops->inject_exception(vcpu, VECTOR_GP, 0);
		return;
	}
	if (exit->write)
		do_access(exit, shown_to_watches(exit, vcpu->regs.rax));
	else
		read_port(vcpu, exit);
	vcpu_ops->skip_instruction(vcpu);
}

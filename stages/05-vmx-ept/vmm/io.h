/*
 * I/O ports that Vellum watches.
 *
 * Nearly all ports are the guest's, and their accesses do not exit. A layer
 * that must see one puts a struct here; its functions get a byte, whatever the
 * width of the access that it is a part of. NULL: as it is. Book: chapter 5.
 */
#ifndef VMM_IO_H
#define VMM_IO_H

#include "lib/types.h"

struct vcpu;
struct vm_exit;

struct io_watch {
	u16 port;
	/* The device gave @value: what the guest gets. */
	u8 (*read)(const struct io_watch *watch, u8 value);
	/* The guest gives @value: what the device gets. */
	u8 (*write)(const struct io_watch *watch, u8 value);
	/* Do the whole access in the guest's place, as io_access(); NULL: that
	 * is how it is done. Any CPU, any width, at this port or around it. */
	u32 (*access)(const struct vm_exit *exit, u32 value);
	struct io_watch *next;
};

/* Watch a port from now on; for good. Phase cpu, CPU 0. */
void io_watch(struct io_watch *watch);

/* The access of @exit, on the machine: write @value, or return what is read. */
u32 io_access(const struct vm_exit *exit, u32 value);

/* Have @vcpu, this CPU's, exit at all watched ports. The same ports on each. */
void io_intercept(struct vcpu *vcpu);

#endif

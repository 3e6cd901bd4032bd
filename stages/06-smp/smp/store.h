/*
 * Doing a guest's store to a device register in its place. In two steps, for
 * what the register holds may play a part:
 *
 *	if (store_fetch(vcpu, exit, &s) || store_finish(vcpu, &s, old, bytes))
 *		return;
 *	write s.size bytes
 *
 * On the CPU that the guest runs on, in the handler of the exit.
 */
#ifndef SMP_STORE_H
#define SMP_STORE_H

#include "smp/decode_store.h"

struct vcpu;
struct vm_exit;

/*
 * Take apart the instruction that caused @exit, a write. -EINVAL: it is none
 * that we can do, and the guest has got #GP, or executes it again.
 */
int store_fetch(struct vcpu *vcpu, const struct vm_exit *exit,
		struct store *store);

/*
 * Do all that @store does beside writing: the guest's registers and flags
 * change, and RIP moves on. @old: what the memory holds. @bytes: what must be
 * written. -EFAULT: its source can't be read, and the guest has got #GP.
 */
int store_finish(struct vcpu *vcpu, const struct store *store, u64 old,
		 u8 bytes[16]);

#endif

/*
 * Ticket locks: whoever asks first is served first.
 *
 *	next:  the number on the next ticket to be drawn
 *	owner: the number being served; equal to next when the lock is free
 *
 * A simple test-and-set lock lets one CPU win again and again while another
 * starves; drawing a ticket costs one atomic add and makes the order fair.
 * The lock works the same on the host, where the tests hammer it with threads.
 * Book: chapter 1, "Locks from the start".
 *
 * With more than one CPU: who waits while another CPU panics stops, and a test
 * build holds each lock against the order of locks. Book: chapter 6.
 */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H

#include "lib/types.h"
#include "smp/lock_order.h"
#include "smp/panic.h"

typedef struct {
	u16 next;
	u16 owner;
} spinlock_t;

#define SPINLOCK_INIT ((spinlock_t){0, 0})

/*
 * Is @ticket being served? In one instruction, where the compiler would take
 * two: it never compares an atomic in place. Whatever is loaded after this is
 * newer, as loads on x86 keep their order (SDM 3A 9.2.2). ThreadSanitizer can't
 * see into assembly, and gets the same in C.
 */
static inline bool spin_is_served(const u16 *owner, u16 ticket)
{
#ifdef __SANITIZE_THREAD__
	return __atomic_load_n(owner, __ATOMIC_ACQUIRE) == ticket;
#else
	bool equal;

	asm volatile("cmpw %2, %1"
		     : "=@cce"(equal)
		     : "m"(*owner), "r"(ticket)
		     : "memory");
	return equal;
#endif
}

/* Serve the next. All that was stored before is seen before this: the same. */
static inline void spin_serve_next(u16 *owner)
{
#ifdef __SANITIZE_THREAD__
	__atomic_store_n(owner, (u16)(*owner + 1), __ATOMIC_RELEASE);
#else
	asm volatile("incw %0" : "+m"(*owner) : : "memory");
#endif
}

/*
 * Have numbers after @ticket been served? So it is once a lock was opened by
 * force, and who held it then, and could not be stopped, has released it all
 * the same. Nobody will ever be served again: then each turn is our turn.
 */
static inline bool spin_is_past(const u16 *owner, u16 ticket)
{
	return (int16_t)(__atomic_load_n(owner, __ATOMIC_ACQUIRE) - ticket) > 0;
}

/*
 * Wait for our turn. Inlined, but away from the straight path, which must not
 * pay for it: nothing here is called and comes back, or each function with a
 * lock would have to save its registers, wait or not; and the empty asm keeps
 * the compiler from computing the address of the owner before it has to wait.
 */
static __forceinline void spin_wait(spinlock_t *lock, u16 ticket)
{
	u16 *owner;

	asm("" : "+r"(lock));
	owner = &lock->owner;
	while (!spin_is_served(owner, ticket)) {
		if (smp_must_stop())
			smp_stop_in_queue(owner, ticket);
		if (spin_is_past(owner, ticket))
			return;
		__builtin_ia32_pause();
	}
}

/*
 * Take the lock; waits for as long as others hold it. Interrupts are always
 * off in Vellum, so no handler can come back for a lock that it holds itself;
 * an NMI handler must take no locks.
 */
static inline void spin_lock_named(spinlock_t *lock, const char *name)
{
	u16 ticket;

	lock_order_take(lock, name);
	ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	if (__builtin_expect(!spin_is_served(&lock->owner, ticket), 0))
		spin_wait(lock, ticket);
}

#define spin_lock(lock) spin_lock_named(lock, #lock)

/* Release a lock that the caller holds. */
static inline void spin_unlock(spinlock_t *lock)
{
	lock_order_drop(lock);
	spin_serve_next(&lock->owner);
}

/* Is anybody holding the lock? For assertions and for the panic path. */
static inline bool spin_is_locked(spinlock_t *lock)
{
	return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) !=
	       __atomic_load_n(&lock->next, __ATOMIC_RELAXED);
}

/*
 * Open the lock whoever holds it. Only for the panic path, when all other
 * CPUs have been stopped: what the lock protects may be half changed.
 */
static inline void spin_force_unlock(spinlock_t *lock)
{
	__atomic_store_n(&lock->owner,
			 __atomic_load_n(&lock->next, __ATOMIC_RELAXED),
			 __ATOMIC_RELEASE);
}

#endif

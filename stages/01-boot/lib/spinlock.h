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
 */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H

#include "lib/percpu.h"
#include "lib/types.h"

typedef struct {
	u16 next;
	u16 owner;
} spinlock_t;

#define SPINLOCK_INIT ((spinlock_t){0, 0})

/*
 * What a later layer wants to know, in test builds: @take is called with what
 * the caller of spin_lock() wrote for the lock, and before it waits, so that a
 * deadlock is reported and not waited for.
 */
struct spin_hooks {
	void (*take)(const spinlock_t *lock, const char *name);
	void (*drop)(const spinlock_t *lock);
};

extern const struct spin_hooks *spin_hooks; /* NULL: nobody wants to */

#if defined(__VELLUM__) && defined(VELLUM_TEST)
#define SPIN_HOOK(call) (spin_hooks ? spin_hooks->call : (void)0)
#else
#define SPIN_HOOK(call) ((void)0)
#endif

/*
 * In a panic of CPU n, n + 1: no other CPU may wait for locks any more. 0: all
 * may. Those others call spin_stop(), which must be set before.
 */
extern u32 spin_only_cpu;
extern void (*spin_stop)(void) __noreturn;

/* Has another CPU panicked, so that this one must stop? */
static inline bool spin_must_stop(void)
{
	u32 only = __atomic_load_n(&spin_only_cpu, __ATOMIC_ACQUIRE);

	return only && only != *this_cpu(cpu_number) + 1;
}

static inline bool spin_is_served(const spinlock_t *lock, u16 ticket)
{
	return __atomic_load_n(&lock->owner, __ATOMIC_ACQUIRE) == ticket;
}

/*
 * Wait for our turn. Inlined, but away from the straight path, which must not
 * pay for it: nothing here is called and comes back, or each function with a
 * lock would have to save its registers, wait or not; and the empty asm keeps
 * the compiler from computing the address of the owner before it has to wait.
 */
static inline void spin_wait(const spinlock_t *lock, u16 ticket)
{
	asm("" : "+r"(lock));
	while (!spin_is_served(lock, ticket)) {
		if (spin_must_stop())
			spin_stop();
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

	SPIN_HOOK(take(lock, name));
	ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED);
	if (__builtin_expect(!spin_is_served(lock, ticket), 0))
		spin_wait(lock, ticket);
}

#define spin_lock(lock) spin_lock_named(lock, #lock)

/* Release a lock that the caller holds. */
static inline void spin_unlock(spinlock_t *lock)
{
	u16 owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);

	SPIN_HOOK(drop(lock));
	__atomic_store_n(&lock->owner, (u16)(owner + 1), __ATOMIC_RELEASE);
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

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
 * In a panic of CPU n, n + 1: no other CPU may go on when it has to wait for a
 * lock. 0: all may. Those others call spin_stop(), which must be set before,
 * and which calls spin_leave() before it halts.
 */
extern u32 spin_only_cpu;
extern void (*spin_stop)(void) __noreturn;

/* Which display a CPU that calls spin_stop() watched, and for which number. */
struct spin_place {
	u16 *owner;
	u16 ticket;
};

DECLARE_PERCPU(struct spin_place, spin_place);

/* Has another CPU panicked, so that this one must stop? */
static inline bool spin_must_stop(void)
{
	u32 only = __atomic_load_n(&spin_only_cpu, __ATOMIC_ACQUIRE);

	return only && only != *this_cpu(cpu_number) + 1;
}

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

/* Through memory: arguments would take registers from the straight path. */
static inline __noreturn void spin_stop_here(u16 *owner, u16 ticket)
{
	*this_cpu(spin_place) = (struct spin_place){owner, ticket};
	spin_stop();
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
		if (spin_must_stop())
			spin_stop_here(owner, ticket);
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
	if (__builtin_expect(!spin_is_served(&lock->owner, ticket), 0))
		spin_wait(lock, ticket);
}

#define spin_lock(lock) spin_lock_named(lock, #lock)

/* Release a lock that the caller holds. */
static inline void spin_unlock(spinlock_t *lock)
{
	SPIN_HOOK(drop(lock));
	spin_serve_next(&lock->owner);
}

/*
 * Leave the queue that this CPU waits in, for those behind it: who halted with
 * a ticket in hand would keep them waiting, the panicking CPU as well. Where
 * that CPU has opened the lock by force, our turn is over.
 */
static inline void spin_leave(void)
{
	const struct spin_place *place = this_cpu(spin_place);
	int16_t behind; /* below 0: it is not our turn yet; above: no more */

	while ((behind = __atomic_load_n(place->owner, __ATOMIC_ACQUIRE) -
			 place->ticket) < 0)
		__builtin_ia32_pause();
	if (!behind)
		__atomic_store_n(place->owner, (u16)(place->ticket + 1),
				 __ATOMIC_RELEASE);
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

/*
 * The order in which locks may be taken: lib/spinlock.h asks, in test builds.
 */
#ifndef SMP_LOCK_ORDER_H
#define SMP_LOCK_ORDER_H

#if defined(__VELLUM__) && defined(VELLUM_TEST)

/* From now on the order of all locks is checked. CPU 0, once. */
void lock_order_check(void);

/* This CPU is about to wait for @lock, which its caller calls @name; and has
 * released it. */
void lock_order_take(const void *lock, const char *name);
void lock_order_drop(const void *lock);

#else

#define lock_order_check()          ((void)0)
#define lock_order_take(lock, name) ((void)(name))
#define lock_order_drop(lock)       ((void)0)

#endif

#endif

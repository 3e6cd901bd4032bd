/*
 * The order in which locks may be taken.
 */
#ifndef SMP_LOCK_ORDER_H
#define SMP_LOCK_ORDER_H

/* From now on test builds check the order of all locks. CPU 0, once. */
#ifdef VELLUM_TEST
void lock_order_check(void);
#else
static inline void lock_order_check(void)
{
}
#endif

#endif

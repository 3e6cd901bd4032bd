/*
 * The order in which locks may be taken.
 */
#ifndef SMP_LOCK_ORDER_H
#define SMP_LOCK_ORDER_H

/* From now on every CPU that waits for a lock obeys a panic; and in test builds
 * the order of all locks is checked. CPU 0, once. */
void lock_order_check(void);

#endif

/*
 * What the core offers: a queue of a few numbers.
 */
#ifndef CORE_CORE_H
#define CORE_CORE_H

#include <stddef.h>

#define QUEUE_SIZE 4 /* a power of two */

struct queue {
	unsigned int first, last; /* run on; the slot is the remainder */
	int slots[QUEUE_SIZE];
};

/* Add @value at the end. -1: it is full. */
int queue_put(struct queue *queue, int value);

/* The oldest value, into *@value. -1: there is none. */
int queue_get(struct queue *queue, int *value);

#endif

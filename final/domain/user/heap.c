/*
 * The heap of a program: areas in an array that the program declares.
 *
 *	heap                                     heap + heaplen
 *	| ............. 8 | ...... -4 | ............. 12 |
 *	      in use          free          in use
 *
 * Each area ends in its length, counted in ints, this one included: positive
 * where the area is used, negative where it is free. So the only way is from
 * the end to the front, and all that is done here is done on that way: a few
 * dozen areas are the most that a program of ours has. Two neighbours are never
 * both free. Illegal is a length that is 0, no multiple of UNIT, or leads out
 * of the array; who writes past an area hits its length first. So every call
 * looks at every area, and a damaged heap is known at the next one.
 *
 * Areas are multiples of 16 bytes and begin at such, as C wants it of memory
 * for any type. Multiples of 4 would save 6 bytes of an area on the average;
 * pointers and 64-bit numbers would then lie across their own size, which C
 * calls undefined and the tests' sanitizer a fault.
 * Book: chapter 11.
 */
#include "domain/user/user.h"

/* In ints. The array begins at a multiple of it: the x86-64 ABI aligns arrays
 * of 16 bytes and more to 16 (System V ABI, AMD64 supplement, 3.1.2). */
#define UNIT 4

_Static_assert(UNIT * sizeof(int) == 16, "what alloc() aligns to");

struct area {
	int start, end; /* in heap[], the length included */
	bool used;
};

static int heap_end; /* of the last area; 0: there is none yet */

static int length_of(const struct area *a)
{
	return a->end - a->start;
}

/* Where a walk begins: behind the last area. At first all is one free area. */
static struct area behind_last(void)
{
	if (!heap_end && heaplen >= UNIT) {
		heap_end = ALIGN_DOWN(heaplen, UNIT);
		heap[heap_end - 1] = -heap_end;
	}
	return (struct area){heap_end, heap_end, true};
}

/* Step from @a to the area in front of it; false: it was the first. */
static bool step_down(struct area *a)
{
	bool upper_used = a->used;
	int length;

	a->end = a->start;
	if (!a->end)
		return false;
	length = heap[a->end - 1];
	if (!length || length % UNIT || length > a->end || length < -a->end)
		panic_process("heap damaged: an area's length");
	a->used = length > 0;
	a->start -= a->used ? length : -length;
	if (!a->used && !upper_used)
		panic_process("heap damaged: two free areas in a row");
	return true;
}

/* The used area that begins at @p, and in *@upper the one behind it. */
static struct area area_of(const void *p, struct area *upper)
{
	struct area a = behind_last(), last = a, found = {0};

	for (; step_down(&a); last = a) {
		if (heap + a.start != p || !a.used)
			continue;
		found = a;
		*upper = last;
	}
	if (!found.end)
		panic_process("free: no area in use begins there");
	return found;
}

/* The free area nearest to the end that has @length ints. */
static struct area find_free(u64 length)
{
	struct area a = behind_last(), found = {0};

	while (step_down(&a))
		if (!a.used && (u64)length_of(&a) >= length && !found.end)
			found = a;
	if (!found.end)
		panic_process("out of memory");
	return found;
}

/* The lower part of a free area is taken: what is left of it lies nearer to the
 * end, where the next search begins. */
void *alloc(uint n)
{
	u64 length = ALIGN_UP(n / sizeof(int) + (n % sizeof(int) > 0) + 1,
			      (u64)UNIT);
	struct area a = find_free(length);
	int rest = length_of(&a) - (int)length;

	if (rest)
		heap[a.end - 1] = -rest;
	heap[a.start + (int)length - 1] = length;
	return heap + a.start;
}

void free(void *p)
{
	struct area a, upper;

	if (!p)
		return;
	a = area_of(p, &upper);
	if (!upper.used)
		a.end = upper.end;
	if (a.start && heap[a.start - 1] < 0)
		a.start += heap[a.start - 1];
	heap[a.end - 1] = -length_of(&a);
}

void *realloc(void *p, uint n)
{
	struct area a, upper;
	size_t room;
	void *longer;

	if (!p)
		return alloc(n);
	if (!n) {
		free(p);
		return NULL;
	}
	a = area_of(p, &upper);
	room = (length_of(&a) - 1) * sizeof(int);
	if (n <= room)
		return p;
	longer = alloc(n);
	memcpy(longer, p, room);
	free(p);
	return longer;
}

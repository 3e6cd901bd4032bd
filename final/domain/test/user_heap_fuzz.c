/*
 * Fuzz target: the heap of a program, beside a model of every live object. An
 * input may damage the array, as a program with a mistake in it does: from then
 * on nothing is sure but that no call leaves the array, or never returns.
 */
#include "fuzz.h"

#include "domain/user/heap.c" /* to start over */

#define LENGTH  1024
#define OBJECTS 64

int heap[LENGTH], heaplen;

static struct object {
	u8 *p;
	u32 size;
	u8 fill;
} objects[OBJECTS];
static bool damaged;

/* What ends a program ends the operation. */
void panic_process(const char *text)
{
	snprintf(host_panic_message, sizeof(host_panic_message), "%s", text);
	longjmp(host_panic_jump, 1);
}

static void check_place(const struct object *o)
{
	u8 *start = (u8 *)heap, *end = (u8 *)(heap + ALIGN_DOWN(heaplen, 4));

	require(o->p >= start && o->size <= (u64)(end - o->p));
	require((u64)o->p % 16 == 0);
	for (uint i = 0; i < OBJECTS; i++)
		require(!objects[i].p || &objects[i] == o ||
			objects[i].p + objects[i].size <= o->p ||
			o->p + o->size <= objects[i].p);
}

static void check_contents(const struct object *o, u32 size)
{
	for (u32 i = 0; o->p && i < size; i++)
		require(o->p[i] == o->fill);
}

/* alloc(), free() or realloc(): of an object that the model then has anew. */
static void operate(struct object *o, u32 operation, u32 size)
{
	if (!o->p) {
		o->p = alloc(size);
	} else if (operation & 1) {
		free(o->p);
		o->p = NULL;
	} else {
		o->p = realloc(o->p, size);
		if (!damaged)
			check_contents(o, MIN(size, o->size));
	}
	if (damaged)
		return;
	o->size = o->p ? size : 0;
	o->fill = operation + size + 1;
	if (!o->p)
		return;
	check_place(o);
	memset(o->p, o->fill, o->size);
}

static void one_operation(struct fuzz_input *in)
{
	u32 operation = fuzz_byte(in);
	struct object *o = &objects[fuzz_byte(in) % OBJECTS];
	u32 size = fuzz_number(in, operation & 2 ? 1 : 2);
	struct object stray = {0};

	fuzz_operations++;
	if ((operation & 0xfc) == 0xfc) {
		heap[size % LENGTH] = fuzz_number(in, 4);
		damaged = true;
		return;
	}
	if ((operation & 0xfc) == 0xf8) { /* an address that is none */
		stray.p = (u8 *)heap + (size | 1);
		o = &stray;
		operation |= 1;
	}
	if (!damaged)
		check_contents(o, o->size);
	if (!setjmp(host_panic_jump))
		operate(o, operation, size);
	else
		require(damaged || strncmp(host_panic_message, "heap", 4));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = {data, data + size};

	memset(heap, 0, sizeof(heap));
	memset(objects, 0, sizeof(objects));
	heap_end = 0;
	damaged = false;
	heaplen = fuzz_number(&in, 2) % (LENGTH + 1);
	while (fuzz_more(&in))
		one_operation(&in);
	return 0;
}

/*
 * Uses all of its heap, in ring 3, where the real one is; then asks for more.
 */
#include "domain/user/user.h"

PROGRAM_HELP("", "uses up its heap");

int heap[2048], heaplen = 2048;

#define AREA      100
#define AREA_MOST 112 /* with its length, rounded up */

static char *areas[sizeof(heap) / AREA_MOST];

static bool is_whole(const char *area, uint i)
{
	for (uint j = 0; j < AREA; j++)
		if (area[j] != (char)i)
			return false;
	return true;
}

int program(int kind, int value, struct msgbuf *buf, uint count)
{
	uint whole = 0;

	for (uint round = 0; round < 3; round++) {
		for (uint i = 0; i < ARRAY_SIZE(areas); i++)
			areas[i] = memset(alloc(AREA), i, AREA);
		for (uint i = 0; i < ARRAY_SIZE(areas); i++) {
			whole += is_whole(areas[i], i);
			if (round < 2)
				free(areas[i]);
		}
	}
	printf("exhaust: %u of %lu areas were whole\n", whole,
	       3 * ARRAY_SIZE(areas));
	alloc(sizeof(heap) - ARRAY_SIZE(areas) * AREA_MOST);
	printf("exhaust: more than there is\n");
	return 0;
}

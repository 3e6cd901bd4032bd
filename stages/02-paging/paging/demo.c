/*
 * What the chapter promises, shown at each boot: what must not be possible is
 * tried, under guarded(), and refused by the hardware.
 */
#include "boot/layout.h"
#include "console/printf.h"
#include "paging/guarded.h"
#include "paging/paging.h"

static void write_byte(void *p)
{
	*(volatile char *)p = *(volatile char *)p;
}

static void execute_byte(void *p)
{
	((void (*)(void))p)();
}

static void read_byte(void *p)
{
	(void)*(volatile char *)p;
}

void paging_demonstrate(void)
{
	static u8 code[] = {0xc3}; /* ret */
	const struct {
		const char *promise, *what;
		void (*fn)(void *);
		void *arg;
	} attempt[] = {
		{"W^X", "a write to our own text", write_byte, text_start},
		{"W^X", "execution of data", execute_byte, code},
		{"rodata", "a write to it", write_byte, rodata_start},
		{"stack guard", "a read of its page", read_byte, stack_guard},
		{"hole at 0", "a read through NULL", read_byte, NULL},
	};

	for (uint i = 0; i < ARRAY_SIZE(attempt); i++) {
		uint vector;

		if (guarded(attempt[i].fn, attempt[i].arg, &vector))
			printf("paging: %s holds: %s raised exception %u, as "
			       "it must\n",
			       attempt[i].promise, attempt[i].what, vector);
		else
			printf("paging: %s DOES NOT HOLD: %s was possible\n",
			       attempt[i].promise, attempt[i].what);
	}
}

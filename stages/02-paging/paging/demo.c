/*
 * What the chapter promises, shown at each boot: what must not be possible is
 * tried, under guarded(), and refused by the hardware.
 */
#include "boot/layout.h"
#include "console/printf.h"
#include "lib/init.h"
#include "paging/trap.h"

static void write_byte(void *p)
{
	*(volatile char *)p = *(volatile char *)p;
}

static void execute(void *p)
{
	((void (*)(void))p)();
}

static void read_byte(void *p)
{
	(void)*(volatile char *)p;
}

static void demonstrate(void)
{
	static u8 code[] = {0xc3}; /* ret */
	const struct {
		const char *what;
		void (*fn)(void *);
		void *arg;
	} attempt[] = {
		{"write to our own text", write_byte, text_start},
		{"write to rodata", write_byte, rodata_start},
		{"execution of data", execute, code},
		{"read of the stack's guard page", read_byte, stack_guard},
		{"read through NULL", read_byte, NULL},
	};

	for (uint i = 0; i < ARRAY_SIZE(attempt); i++) {
		uint vector;

		if (guarded(attempt[i].fn, attempt[i].arg, &vector))
			printf("paging: %s: refused (exception %u)\n",
			       attempt[i].what, vector);
		else
			printf("paging: %s: WAS POSSIBLE\n", attempt[i].what);
	}
}

INIT(device, 90, demonstrate);

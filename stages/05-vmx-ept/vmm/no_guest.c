/*
 * The end, where the machine lacks what a guest needs. Book: chapter 5.
 */
#include "vmm/no_guest.h"

#include <stdarg.h>

#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/percpu.h"
#include "page/mm.h"

void vmm_no_guest(const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	mm_print_allocations();
	printf("vellum: no guest on CPU %u: %s; halted\n",
	       *this_cpu(cpu_number), why);
	cpu_halt_forever();
}

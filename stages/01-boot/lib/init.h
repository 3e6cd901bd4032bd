/*
 * Initialisation by phase: how a layer gets its start-up code called without
 * any earlier layer naming it.
 *
 *	static void serial_init(void) { ... }
 *	INIT(console, 10, serial_init);
 *
 * puts an entry into a linker section; boot/main.c walks the phases in the
 * order of the enum, and within a phase by the two-digit order. A phase that
 * is not in the enum does not compile. (Without __aligned GCC may align an
 * entry to 32 bytes, and the table would have holes.) `make order` prints the
 * whole sequence.
 * Book: chapter 1, "Who calls whom".
 */
#ifndef LIB_INIT_H
#define LIB_INIT_H

#include "lib/types.h"

enum init_phase {
	INIT_PHASE_trap,    /* descriptor tables and exceptions; every CPU */
	INIT_PHASE_console, /* output devices */
	INIT_PHASE_memory,  /* our range, our page tables, page allocation */
	INIT_PHASE_heap,    /* byte allocation and pools */
	INIT_PHASE_device,  /* what the other phases need of the machine */
	INIT_PHASE_cpu,     /* virtualisation is switched on; every CPU */
	INIT_PHASE_cpus,    /* the other CPUs are started, by the first */
	INIT_PHASE_guest,   /* the guest starts, and we never come back */
	INIT_PHASES,
};

struct init_entry {
	const char *name;
	void (*fn)(void);
	const char *file;
};

#define INIT(phase, order, function)                                           \
	_Static_assert((order) >= 10 && (order) <= 99, "two digits");          \
	enum {                                                                 \
		init_phase_of_##function = INIT_PHASE_##phase                  \
	};                                                                     \
	static const struct init_entry init_##function __used __aligned(8)     \
		__attribute__((section(".init_table." #phase "." #order))) = { \
			#function, function, __FILE__}

/*
 * Run every entry of @phase, in order. Called by boot/main.c, and by later
 * stages for the phases that every CPU runs (trap, cpu).
 */
void init_run(enum init_phase phase);

/* Does @phase have any entry in this image? */
bool init_phase_has_entries(enum init_phase phase);

#endif

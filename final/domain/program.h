/*
 * The programs that are in the image, for domains to run (mk/domain.mk,
 * mk/programs.awk). Each was linked alone at PROGRAM_BASE.
 */
#ifndef DOMAIN_PROGRAM_H
#define DOMAIN_PROGRAM_H

#include "lib/types.h"

struct program_symbol {
	u64 address;
	const char *name;
};

/*
 * Whole pages, on a page of their own among our read-only data: text, rodata,
 * and what data begins with. Text and rodata are shown to a domain right there.
 */
struct program {
	const char *name;
	const char *image;
	u64 text_end, rodata_end, data_end;   /* addresses in the program, */
	u64 end;                              /* and of the end of its bss */
	const struct program_symbol *symbols; /* its functions, in order */
	u64 symbol_count;
	const char *help; /* what it takes, a NUL, and what it does */
};

extern const struct program programs_start[], programs_end[];

/* The program called @name; NULL: there is none. */
const struct program *program_find(const char *name);

/* The function of @p that @address is in, and how far: "main+0x13"; "" where
 * it is in none. */
void program_symbol(const struct program *p, u64 address, char *text,
		    size_t size);

#endif

/*
 * The pool as a list of runs, for those who print it or draw it: a run is as
 * many blocks of one state and one size as follow each other.
 * Book: chapter 3, "A picture of the memory".
 */
#ifndef PAGE_RUNS_H
#define PAGE_RUNS_H

#include "lib/types.h"

enum block_state {
	BLOCK_RESERVED,
	BLOCK_FREE,
	BLOCK_ALLOCATED,
	BLOCK_NONE, /* no block begins here any more */
};

struct page_run {
	enum block_state state;
	u32 pages;  /* of each block */
	u32 blocks; /* how many, at most 1024: what follows may be more of it */
};

/*
 * What begins at page number @first, which is 0 or where another run ended.
 * Returns 0, or -ENOENT past the end. Between two calls others may allocate and
 * free, so a list is exact only when nobody does. Any CPU may call.
 */
int get_page_run(uint first, struct page_run *run);

/* Print all runs, as tools/heapview.py reads them. */
void print_page_runs(void);

#endif

/*
 * A domain's address space: what it can touch, and how Vellum reads and writes
 * there. Who calls has the domain to itself (thread.c).
 */
#ifndef DOMAIN_SPACE_H
#define DOMAIN_SPACE_H

#include "domain/abi.h"
#include "domain/program.h"
#include "lib/types.h"

#define SPACE_TABLES 4 /* pages */

struct space {
	phys_t root;     /* for CR3 */
	u64 *tables;     /* of levels 4, 3, 2 and 1, in four pages */
	char *memory;    /* the program's data and bss, then its stack */
	u32 memory_size; /* bytes */
};

/* Make one for @p. 0, or -ENOMEM; then there is nothing to free. */
int space_create(struct space *space, const struct program *p);

/* Free all that it has, if that has not been done. What others have mapped
 * there stays theirs. */
void space_free(struct space *space);

/* Let it have all that Vellum has mapped by now, for ring 0 alone. Before each
 * entry to ring 3. */
void space_refresh(struct space *space);

/* Show the page at @phys, of our range, at @virt, a page of the window. */
void space_map(struct space *space, u64 virt, phys_t phys, bool writable);

/* Take it away again. The domain does not run. */
void space_unmap(struct space *space, u64 virt);

/*
 * Copy @size bytes at the program's @address to @to, or @from there. 0, or
 * -EFAULT where the program itself may not do that with each of these bytes;
 * then some may have been copied.
 */
int space_read(const struct space *space, u64 address, void *to, size_t size);
int space_write(const struct space *space, u64 address, const void *from,
		size_t size);

#endif

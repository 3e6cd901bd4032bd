/*
 * Pages of device registers whose writes Vellum must see.
 *
 * Most devices are the guest's, and their registers are mapped like memory. A
 * layer that must see what the guest writes to one page of them puts a struct
 * here before the first nested map is built: the page is then mapped by itself
 * and read-only. Reads go to the device without an exit; each write exits.
 * Book: chapter 5, "Pages that are watched".
 */
#ifndef VMM_MMIO_H
#define VMM_MMIO_H

#include "lib/types.h"

struct vcpu;
struct vm_exit;

struct mmio_page {
	gphys_t page;
	/* Is it wanted at all? Asked once there is a back end. */
	bool (*wanted)(void);
	/* The guest writes to exit->gpa in the page: do what the instruction at
	 * its RIP does, and step over it. */
	void (*write)(struct vcpu *vcpu, const struct vm_exit *exit);
	struct mmio_page *next;
};

/* See writes to @page from now on; it stays. Phase device, CPU 0. */
void mmio_watch(struct mmio_page *page);

/* The watched page that has a byte in [@base, @base + @size), or NULL. */
const struct mmio_page *mmio_find(u64 base, u64 size);

#endif

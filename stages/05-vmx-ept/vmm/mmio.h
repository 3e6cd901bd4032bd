/*
 * Pages of device registers whose writes Vellum must see, or that are not the
 * guest's at all.
 *
 * Most devices are the guest's, and their registers are mapped like memory. A
 * layer that must see what the guest writes to some pages of them puts a struct
 * here before the first nested map is built: they are then mapped by themselves
 * and read-only. Reads go to the device without an exit, or to a page of ours
 * that is shown in its place; each write exits.
 * Book: chapter 5, "Pages that are watched".
 */
#ifndef VMM_MMIO_H
#define VMM_MMIO_H

#include "lib/types.h"

struct vcpu;
struct vm_exit;

struct mmio_page {
	gphys_t page; /* the first one */
	u64 size;     /* whole pages */
	/* What the guest reads in each of them, a page; NULL: the device. */
	const void *shown;
	/* Is it wanted at all? Asked once there is a back end. */
	bool (*wanted)(void);
	/* The guest writes to exit->gpa in a page: do what the instruction at
	 * its RIP does, and step over it. */
	void (*write)(struct vcpu *vcpu, const struct vm_exit *exit);
	struct mmio_page *next;
};

/* See writes to @page's pages from now on; it stays. Phase device, CPU 0. */
void mmio_watch(struct mmio_page *page);

/* The watched page that has a byte in [@base, @base + @size), or NULL. */
const struct mmio_page *mmio_find(u64 base, u64 size);

#endif

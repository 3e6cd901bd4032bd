/*
 * The list of watched pages: short, and complete before anybody reads it.
 */
#include "vmm/mmio.h"

static struct mmio_page *pages;

void mmio_watch(struct mmio_page *page)
{
	page->next = pages;
	pages = page;
}

const struct mmio_page *mmio_find(u64 base, u64 size)
{
	for (const struct mmio_page *p = pages; p; p = p->next)
		if (p->page.v < base + size && base < p->page.v + p->size &&
		    p->wanted())
			return p;
	return NULL;
}

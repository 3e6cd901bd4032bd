/*
 * All locks, and the order in which they may be taken: who holds one may take
 * those that stand below it, and no other; of one kind, those at higher
 * addresses. Two CPUs that kept to no order could each hold what the other
 * waits for; two that keep to one cannot.
 *
 * Test builds check it at each spin_lock(), by the name that stands there: see
 * lib/spinlock.h. The table is for readers as much as for the check.
 * Book: chapter 6, "Locks have an order".
 */
#ifdef VELLUM_TEST

#include "smp/lock_order.h"

#include "console/panic.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "smp/panic.h"

static const char *const order[] = {
	"&start_lock",    /* smp/start.c: what is borrowed to start a CPU */
	"&maps_lock",     /* vmm/nested_root.c: nested maps and their users */
	"&map->lock",     /* vmm/nested_map.c: the tables of one of them */
	"&mempools.lock", /* pool/mempool.c, in final: the list of pools */
	"&mp->lock",      /* pool/mempool.c, in final: one of them */
	"&cls->lock",     /* heap/heap.c: the slabs of a size class */
	"&space_lock",    /* paging/paging.c: Vellum's page tables */
	"&vmm_pool.lock", /* page/page.c: page descriptors and free lists */
	"&cpu->lock",     /* smp/cpus.h: a CPU's INITs and start-up IPIs */
	"&msr_lock",      /* vmm/msr.c: which MSRs were refused */
	"&pci_lock",      /* pci/pci.c, in final: PCI's pair of ports */
	"&console_lock",  /* console/console.c: one message at a time */
};

#define HELD_MOST 16 /* by one CPU, at one time */

struct held {
	uint count;
	struct {
		const void *lock;
		uint rank;
	} lock[HELD_MOST];
};

static PERCPU(struct held, held);

static bool is_checking;

static uint rank_of(const char *name)
{
	uint rank = 0;

	while (rank < ARRAY_SIZE(order) && strcmp(order[rank], name))
		rank++;
	return rank;
}

void lock_order_take(const void *lock, const char *name)
{
	struct held *h = this_cpu(held);
	uint rank = rank_of(name), last = h->count - 1;

	if (!is_checking || panic_is_on())
		return;
	if (rank == ARRAY_SIZE(order))
		panic("the lock %s has no place in the order of locks", name);
	if (h->count &&
	    (h->lock[last].rank > rank ||
	     (h->lock[last].rank == rank && h->lock[last].lock >= lock)))
		panic("the lock %s is taken while %s is held", name,
		      order[h->lock[last].rank]);
	assert(h->count < HELD_MOST);
	h->lock[h->count].lock = lock;
	h->lock[h->count++].rank = rank;
}

/* Not always the one that was taken last. */
void lock_order_drop(const void *lock)
{
	struct held *h = this_cpu(held);
	uint i = 0;

	while (i < h->count && h->lock[i].lock != lock)
		i++;
	if (i == h->count)
		return; /* taken before the check began */
	for (h->count--; i < h->count; i++)
		h->lock[i] = h->lock[i + 1];
}

void lock_order_check(void)
{
	is_checking = true;
}

#endif

/*
 * Faults are told one by one at first, and then more and more seldom: each
 * whose number is a power of two. So a device that goes on and on fills no log,
 * and one that begins late is seen. Book: chapter 15.
 */
#include "iommu/faults.h"

#include "console/printf.h"
#include "iommu/iommu.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "pci/pci.h"
#include "vmm/hypercall.h"
#include "vmm/vcpu.h"

#define LOGGED    16
/* Of one unit at one look: the guest waits, and its devices may go on. */
#define LOOK_MOST 256

static struct iommu_unit *watched;
static uint watched_count; /* 0: nothing keeps devices out */

static u64 faults;
static struct dma_fault last_fault;

static void tell_of_fault(const struct dma_fault *f)
{
	last_fault = *f;
	faults++;
	if (faults <= LOGGED || !(faults & (faults - 1)))
		printf("iommu: fault %lu: " PCI_BDF_FORMAT " may not %s 0x%lx "
		       "(reason %u)\n",
		       faults, PCI_BDF_ARGS(f->bdf),
		       f->write ? "write to" : "read", f->address, f->reason);
}

static void take(struct iommu_unit *unit)
{
	struct dma_fault fault;

	for (uint n = 0; n < LOOK_MOST; n++) {
		if (!unit->ops->next_fault(unit, &fault))
			return;
		tell_of_fault(&fault);
	}
}

void faults_watch(struct iommu_unit *units, uint count)
{
	watched = units;
	watched_count = count;
}

/* One CPU does; another that comes meanwhile need not. */
static void look(void)
{
	static u32 looking;

	if (!watched_count ||
	    __atomic_exchange_n(&looking, 1, __ATOMIC_ACQUIRE))
		return;
	for (uint i = 0; i < watched_count; i++)
		take(&watched[i]);
	__atomic_store_n(&looking, 0, __ATOMIC_RELEASE);
}

/* Between two looks, so that a guest with many exits does not pay for it: some
 * milliseconds. In TSC cycles. */
#define LOOK_AGAIN (1UL << 24)

void iommu_poll(void)
{
	static u64 before;
	u64 now = rdtsc();

	if (now - __atomic_load_n(&before, __ATOMIC_RELAXED) < LOOK_AGAIN)
		return;
	__atomic_store_n(&before, now, __ATOMIC_RELAXED);
	look();
}

/* How many faults there were, and the last one: where, whose, and RDI: 1, it
 * was a write. -ENODEV: nothing keeps devices out. */
static int call_faults(struct vcpu *vcpu)
{
	struct guest_regs *r = &vcpu->regs;

	if (!watched_count)
		return -ENODEV;
	look();
	r->rbx = faults;
	r->rdx = last_fault.address;
	r->rsi = last_fault.bdf;
	r->rdi = last_fault.write;
	return 0;
}

HYPERCALL(9, call_faults);

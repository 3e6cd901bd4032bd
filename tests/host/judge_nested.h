/*
 * For children of judges (tests/host/judge.h) that are about nested page
 * tables: a machine of 2 GiB with Vellum at 1 GiB, two virtual CPUs, the exits
 * for memory as vmm/exit.c handles them, and a CPU that walks the tables.
 *
 *	machine ept|npt
 *	touch CPU GPA WRITE RIP	an access: how many exits it costs, and 0 or the
 *				vector of the exception that the guest gets
 *	own CPU GPA WRITE RIP	the same by Vellum, on the guest's behalf: an
 *				error, and the host-physical address
 *	retype CPU		the MTRRs of a CPU change, and so do its tables
 */
#ifndef HOST_JUDGE_NESTED_H
#define HOST_JUDGE_NESTED_H

#include "heap/heap.h"
#include "judge.h"
#include "lib/errno.h"
#include "vmm/exit.h"
#include "vmm/mmio.h"
#include "vmm/nmi.h"
#include "vmm/test/nested_host.h"
#include "vmm/vcpu.h"

#define VMM_BASE   (1 * GIB)
#define VMM_SIZE   (4 * MIB)
#define WATCHED    0xfee00000 /* a page of registers */
#define TRIES      5          /* exits for one access, at most */
#define GUEST_CPUS 2

static struct vcpu vcpus[GUEST_CPUS];
static uint current_cpu, flushes;
static u64 guest_rip;
static int refused; /* the vector of an exception that Vellum raised */
static struct mtrr_state mtrrs[GUEST_CPUS];

void *alloc(uint size)
{
	return malloc(size);
}

void free(void *p)
{
	libc_free(p);
}

EXIT_HANDLER(CPUID)
{
}
EXIT_HANDLER(RDMSR)
{
}
EXIT_HANDLER(WRMSR)
{
}
EXIT_HANDLER(HYPERCALL)
{
}
EXIT_HANDLER(IO)
{
}
EXIT_HANDLER(NMI)
{
}
EXIT_HANDLER(NMI_WINDOW)
{
}

const struct cpu_signals *cpu_signals;

void console_take_back(void)
{
}

void machine_reset(void)
{
	panic("machine_reset(): the guest is stuck");
}

struct vcpu *vcpu_current(void)
{
	return &vcpus[current_cpu];
}

struct vcpu *vcpu_first(void)
{
	return &vcpus[0];
}

static u64 get_register(struct vcpu *vcpu, enum vcpu_reg reg)
{
	return reg == VCPU_RIP ? guest_rip : 0;
}

static void inject(struct vcpu *vcpu, uint vector, u32 error)
{
	refused = vector;
}

static void flush(struct vcpu *vcpu)
{
	flushes++;
}

static void dump_guest(struct vcpu *vcpu)
{
}

static const struct vcpu_ops host_ops = {
	.get = get_register,
	.inject_exception = inject,
	.flush_map = flush,
	.dump = dump_guest,
};
const struct vcpu_ops *vcpu_ops = &host_ops;

static void write_register(struct vcpu *vcpu, const struct vm_exit *exit)
{
}

static bool always(void)
{
	return true;
}

static struct mmio_page registers = {
	.page = {WATCHED},
	.size = PAGE_SIZE,
	.wanted = always,
	.write = write_register,
};

static void start_machine(void)
{
	const struct nested_format *format =
		strcmp(word(1), "ept") ? &npt_1g : &ept_1g;

	mmio_watch(&registers);
	host_machine(2 * GIB, 2 * GIB, VMM_BASE, VMM_SIZE);
	for (uint i = 0; i < GUEST_CPUS; i++) {
		mtrr_all_write_back(&mtrrs[i]);
		vcpus[i].next = i + 1 < GUEST_CPUS ? &vcpus[i + 1] : NULL;
		nested_root_init(&vcpus[i].root, format, &mtrrs[i], BIT(36));
	}
}

/* Does the CPU's own walk, from the root that it has, allow it? */
static bool walk(struct nested_root *root, u64 gpa, bool write)
{
	struct nested_map view = *root->map;

	view.root = root->table;
	return host_touch(&view, gpa, write);
}

static void touch(void)
{
	u64 gpa = number(2);
	bool write = number(3);
	struct vm_exit exit = {
		.reason = EXIT_MEMORY,
		.gpa = GPHYS(gpa),
		.write = write,
	};
	uint exits = 0;

	current_cpu = number(1) % GUEST_CPUS;
	guest_rip = number(4);
	refused = 0;
	while (!refused && exits < TRIES &&
	       !walk(&vcpu_current()->root, gpa, write)) {
		exits++;
		vcpu_current()->exits++;
		handle_exit_MEMORY(vcpu_current(), &exit);
	}
	answer("%u %d", exits, refused);
}

static void own(void)
{
	phys_t hpa = PHYS(0);
	int error;

	current_cpu = number(1) % GUEST_CPUS;
	guest_rip = number(4);
	error = nested_root_lookup(&vcpu_current()->root, GPHYS(number(2)),
				   number(3), &hpa);
	answer("%d %#lx", error, hpa.v);
}

/* What was write-back is write-through, or the other way round. */
static void retype(void)
{
	uint cpu = number(1) % GUEST_CPUS;
	struct mtrr_state *mtrr = &mtrrs[cpu];

	mtrr->enabled = true;
	mtrr->address_mask = BIT(36) - 1;
	mtrr->default_type =
		mtrr->default_type == CACHE_WT ? CACHE_WB : CACHE_WT;
	current_cpu = cpu;
	answer("%d", nested_root_retype(&vcpus[cpu].root, mtrr));
}

#define NESTED_COMMANDS                                             \
	{"machine", start_machine}, {"touch", touch}, {"own", own}, \
	{                                                           \
		"retype", retype                                    \
	}

#endif

/*
 * The CPU of host tests: what lib/cpu.h's functions, and the guarded ones of
 * paging/trap.h, find there. See host.h. All are weak: a test with a device of
 * its own defines inb() and so on itself.
 */
#include "lib/cpu.h"

#include "host.h"
#include "lib/errno.h"

#define __weak __attribute__((weak))

#define PORTS      0x10000
#define MOST_MSRS  256
#define MOST_LEAFS 64

u64 host_cr[HOST_CRS];
bool host_has_breakpoints;
u64 host_tsc, host_tsc_step = 1;

static u8 ports[PORTS];
static bool ports_used; /* else all are 0xff */

static struct msr {
	u32 number;
	u64 value;
} msrs[MOST_MSRS];
static uint msr_count;

static struct leaf {
	u32 leaf, subleaf;
	struct cpuid_regs regs;
} leafs[MOST_LEAFS];
static uint leaf_count;

void host_cpu_reset(void)
{
	memset(host_cr, 0, sizeof(host_cr));
	host_tsc = 0;
	host_tsc_step = 1;
	msr_count = leaf_count = 0;
	ports_used = false;
}

static u64 *find_msr(u32 number)
{
	for (uint i = 0; i < msr_count; i++)
		if (msrs[i].number == number)
			return &msrs[i].value;
	return NULL;
}

void host_set_msr(u32 msr, u64 value)
{
	u64 *known = find_msr(msr);

	if (known) {
		*known = value;
		return;
	}
	assert_true(msr_count < MOST_MSRS);
	msrs[msr_count++] = (struct msr){msr, value};
}

static struct leaf *find_leaf(u32 leaf, u32 subleaf)
{
	for (uint i = 0; i < leaf_count; i++)
		if (leafs[i].leaf == leaf && leafs[i].subleaf == subleaf)
			return &leafs[i];
	return NULL;
}

void host_set_cpuid(u32 leaf, u32 subleaf, struct cpuid_regs regs)
{
	struct leaf *known = find_leaf(leaf, subleaf);

	if (!known) {
		assert_true(leaf_count < MOST_LEAFS);
		known = &leafs[leaf_count++];
	}
	*known = (struct leaf){leaf, subleaf, regs};
}

__weak struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
	struct leaf *known = find_leaf(leaf, subleaf);

	return known ? known->regs : (struct cpuid_regs){0};
}

__weak int guarded_rdmsr(u32 msr, u64 *value)
{
	u64 *known = find_msr(msr);

	if (!known)
		return -EFAULT;
	*value = *known;
	return 0;
}

__weak int guarded_wrmsr(u32 msr, u64 value)
{
	u64 *known = find_msr(msr);

	if (!known)
		return -EFAULT;
	*known = value;
	return 0;
}

__weak u64 rdmsr(u32 msr)
{
	u64 value = 0;

	if (guarded_rdmsr(msr, &value))
		fail_msg("RDMSR of 0x%x, which this CPU has not", msr);
	return value;
}

__weak void wrmsr(u32 msr, u64 value)
{
	if (guarded_wrmsr(msr, value))
		fail_msg("WRMSR of 0x%x, which this CPU has not", msr);
}

__weak u64 rdtsc(void)
{
	return host_tsc += host_tsc_step;
}

#define FAKE_CR(n)                         \
	__weak u64 read_cr##n(void)        \
	{                                  \
		return host_cr[n];         \
	}                                  \
	__weak void write_cr##n(u64 value) \
	{                                  \
		host_cr[n] = value;        \
	}

FAKE_CR(0)
FAKE_CR(2)
FAKE_CR(3)
FAKE_CR(4)

__weak void clear_breakpoints(void)
{
	host_has_breakpoints = false;
}

/* What is read from @port is what was last written or set there. */
static u8 *port_bytes(u16 port, uint size)
{
	assert_true(port + size <= PORTS);
	if (!ports_used)
		memset(ports, 0xff, sizeof(ports));
	ports_used = true;
	return &ports[port];
}

void host_set_port(u16 port, u32 value, uint size)
{
	memcpy(port_bytes(port, size), &value, size);
}

u32 host_port(u16 port, uint size)
{
	u32 value = 0;

	memcpy(&value, port_bytes(port, size), size);
	return value;
}

#define FAKE_PORT(letter, type)                            \
	__weak type in##letter(u16 port)                   \
	{                                                  \
		return host_port(port, sizeof(type));      \
	}                                                  \
	__weak void out##letter(u16 port, type value)      \
	{                                                  \
		host_set_port(port, value, sizeof(value)); \
	}

FAKE_PORT(b, u8)
FAKE_PORT(w, u16)
FAKE_PORT(l, u32)

__weak void wbinvd(void)
{
}

/* As in names.h. */
__weak void cpu_pause(void)
{
	sched_yield();
}

/*
 * The CPUs of the machine, and what Vellum keeps about each.
 */
#ifndef SMP_CPUS_H
#define SMP_CPUS_H

#include "lib/percpu.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include "vmm/acpi.h"

struct vcpu;

enum smp_state {
	CPU_OFF,     /* not started */
	CPU_ARRIVED, /* it runs our code */
	CPU_READY,   /* it has a virtual CPU */
	CPU_UNFIT,   /* it came up and can't take part */
	CPU_ABSENT,  /* it does not come up, or can't be started */
};

struct smp_cpu {
	u32 apic_id;
	u32 state; /* an enum smp_state; the CPU itself moves it on */

	/*
	 * INIT and start-up IPIs from the guest. The lock protects these three;
	 * nothing else is taken while it is held.
	 */
	spinlock_t lock;
	bool init;    /* INIT came; the CPU has not seen it yet */
	bool waiting; /* for a start-up IPI, in the guest's eyes */
	int sipi;     /* vector of one that came, or -1 */

	void *stack_top;   /* NULL: it has no memory yet */
	u64 percpu_offset; /* where its per-CPU variables are */
	/* Its first guest state, if it does not wait for a start-up IPI. */
	void (*go_on)(struct vcpu *vcpu);
	u32 ldr, dfr; /* its APIC's logical destination, in xAPIC mode */
	u32 wake;     /* cpu_idle() returns: there is something to look at */
	u32 stopped;  /* for a panic */
	bool waits_in_guest; /* see smp_waits_in_guest() */
	bool hardware_waits; /* that is how it waits for a start-up IPI */
	u32 called;          /* a call is on its way to it (call.h) */
};

/* CPU n is smp_cpus[n]; CPU 0 is the one that booted. */
extern struct smp_cpu *smp_cpus;
extern uint smp_count;

/* The maker's name in the ACPI tables, or "". */
extern char smp_oem[7];

static inline struct smp_cpu *smp_self(void)
{
	return &smp_cpus[*this_cpu(cpu_number)];
}

static inline bool smp_is_ready(const struct smp_cpu *cpu)
{
	return __atomic_load_n(&cpu->state, __ATOMIC_ACQUIRE) == CPU_READY;
}

/* Is it in wait-for-SIPI, the hardware's? Then no NMI gets through to it: who
 * calls all CPUs does without this one. */
static inline bool smp_waits_in_guest(const struct smp_cpu *cpu)
{
	return __atomic_load_n(&cpu->waits_in_guest, __ATOMIC_SEQ_CST);
}

/* Fill the list above. CPU 0, after the heap and before any virtual CPU. */
void smp_find_cpus(void);

/* The FADT, for the timer; -ENOENT. Phase device on. */
int smp_find_table(const char *signature, struct acpi_table *table);

/*
 * The APIC IDs of all CPUs that the MADT calls enabled, the first @max of them
 * into @ids, each once; *@found says how many. -E2BIG: there are more;
 * -EINVAL: an entry is malformed, what came before it is in @ids. Pure: the
 * table's length and sum are right, its contents may be anything.
 */
int madt_read(const struct acpi_table *madt, u32 *ids, uint max, uint *found);

#endif

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

/* CPU n is smp_cpus[n]; CPU 0 is the one that booted. The list grows when the
 * guest starts a CPU that nobody knew of; its entries stay where they are. */
extern struct smp_cpu *smp_cpus;
extern uint smp_count;

/* Why there may be CPUs that are not in the list; NULL: there are none. */
extern const char *smp_gap;

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

/* The CPU with @apic_id in the list; NULL: none has it. */
struct smp_cpu *smp_find(u32 apic_id);

/* Append one. NULL: there is no room for more. CPU 0, or with start_lock. */
struct smp_cpu *smp_add(u32 apic_id);

/* Take back the last that was appended: it did not come. Its memory stays for
 * the next one. With start_lock. */
void smp_drop_last(void);

/*
 * Ask the hardware, or the firmware, who is there: the APIC IDs of the first
 * @max CPUs into @ids, with or without this one; @expected others are known of.
 * How many there are, or a negative errno: nobody can tell.
 */
typedef int smp_census_fn(u32 *ids, uint max, uint expected);

/* Fill the list with those that @census names, and find out whether there may
 * be more. CPU 0, after the heap and before any virtual CPU. */
void smp_find_cpus(smp_census_fn *census);

/* The FADT, for the timer; -ENOENT. Phase device on. */
int smp_find_table(const char *signature, struct acpi_table *table);

/* A CPU in ACPI's list; one that is not enabled may come later, or never. */
struct madt_cpu {
	u32 apic_id;
	bool enabled;
};

/*
 * Add all CPUs in the MADT to the *@found that @cpus has already, each once, up
 * to @max. -E2BIG: there are more; -EINVAL: an entry is malformed, what
 * came before it is in @cpus. Pure: the table's length and sum are right, its
 * contents may be anything.
 */
int madt_read(const struct acpi_table *madt, struct madt_cpu *cpus, uint max,
	      uint *found);

/* How many processor devices are declared in @aml, a DSDT or SSDT? At least as
 * many as there are. Pure, as above. */
uint aml_processors(const struct acpi_table *aml);

/* What the census and the tables say. */
struct cpu_lists {
	const u32 *here; /* who answered, this CPU among them */
	uint here_count;
	bool asked; /* the census was taken, and all of it is in `here' */
	const struct madt_cpu *listed;
	uint listed_count;
	bool listed_all; /* there is a MADT, and it is sound */
	bool has_aml;    /* there is a DSDT, and it is sound */
	uint processors; /* devices for CPUs in it */
};

/*
 * Why might a CPU be there, now or later, that is not in @lists->here? NULL: no
 * source knows of one, and all sources could be read. Pure.
 */
const char *cpu_lists_gap(const struct cpu_lists *lists);

#endif

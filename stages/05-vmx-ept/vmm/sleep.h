/*
 * Sleep: which ports begin it and end it, by ACPI's tables and the chipset, and
 * which of the sleep states come back through an address of the guest's.
 */
#ifndef VMM_SLEEP_H
#define VMM_SLEEP_H

#include "vmm/acpi.h"
#include "vmm/chipset.h"

/* The high byte of PM1 control (ACPI 6.5, 4.8.3.2.1). */
#define ACPI_SLP_TYP(byte) ((byte) >> 2 & 7)
#define ACPI_SLP_EN        BIT(5)

/* The high byte of PM1 status (4.8.3.1.1): "it is awake again". */
#define ACPI_WAK_STS BIT(7)

/* A register may be in two parts, PM1a and PM1b. */
#define ACPI_BLOCKS    2
#define ACPI_SLP_TYPES 8

#define SLEEP_PORTS 12
#define SLEEP_FACS  4

/* Ports of the bytes that have SLP_EN, or WAK_STS; and whose, PM1a's or b's. */
struct sleep_ports {
	uint count;
	struct {
		u16 port;
		u8 block;
	} at[SLEEP_PORTS];
};

/* States are bits, S1 to S5. This one: off (S5), says a doubtful table. */
#define SLEEP_MAYBE_OFF BIT(0)

struct acpi_sleep {
	struct sleep_ports control, status;

	/* The tables that the guest and the firmware share. */
	uint facs_count;
	u64 facs_phys[SLEEP_FACS];
	const volatile u8 *facs[SLEEP_FACS];

	/* What is not known here is not known: every sleep that is not named
	 * as harmless is refused. */
	bool doubtful;

	/* Bit n of an entry: this SLP_TYP means the state Sn. 0: who knows? */
	u8 states[ACPI_BLOCKS][ACPI_SLP_TYPES];
};

/* @block's port for SLP_EN or WAK_STS is @port too, if that can be one. */
void sleep_add_port(struct sleep_ports *ports, u64 port, uint block);

/*
 * Find out about sleep, all but the states: from each FADT below @root (NULL:
 * there is none), and from the chipset on @bus.
 */
void sleep_read(acpi_map_fn *map, const struct acpi_root *root,
		const struct chipset_bus *bus, struct acpi_sleep *sleep);

/* Has the guest left an address at which it wants to wake, in any mode? */
bool sleep_has_waking_vector(const volatile u8 *facs);

/*
 * Would the write of @byte to the high half of control register @block, when
 * the guest left a waking vector or not, put the machine to a sleep from which
 * the CPU comes back without Vellum?
 */
bool sleep_is_escape(const struct acpi_sleep *sleep, uint block, u8 byte,
		     bool waking_vector);

/* The guest writes @value to the high byte of control register @block, by a
 * port or another way: what the hardware gets. Refusals are logged. */
u8 sleep_filter(uint block, u8 value);

/*
 * A later stage's: why can't the guest be let sleep by this write, which is an
 * escape, and be woken under us? NULL: it can, and whoever does the write sees
 * to it. Any CPU.
 */
extern const char *(*sleep_obstacle)(uint block, u8 value);

/* Log that the guest's sleep is refused, and @why, or NULL; from here on its
 * PM1 status says that it has slept. Any CPU. */
void sleep_refuse(const char *why);

/* Watch, on this CPU, the ports by which a guest asks for S3. The tables are
 * read on CPU 0, which is the first. Phase cpu, each CPU. */
void sleep_watch(void);

/* What the tables say. Who knows more fills in the states, before the guest
 * runs. */
struct acpi_sleep *sleep_tables(void);

#endif

/*
 * Sleep state S3 is refused.
 *
 * In S3 the CPU is off and memory stays. On waking, the firmware jumps to where
 * the guest wants: the guest would run without Vellum, with Vellum's memory
 * open before it. So the ports that begin a sleep are watched, of all ports
 * these only: the high bytes of PM1 control, where SLP_TYP and SLP_EN are.
 *
 * Who leaves a waking vector in the FACS wants to be called back there (ACPI
 * 6.5, 5.2.10 and 16.3.1): that is refused. Power off (S5), S4 and the rest
 * pass. A layer that knows states by their names can tell us (sleep_tables()).
 *
 * The tables are not taken at their word. All ports that any of them names are
 * watched, and those that the chipset has. Where a table is doubtful, a missing
 * vector proves nothing: then each sleep is refused that has no harmless name.
 *
 * A guest that was refused must go on: it waits until WAK_STS in PM1 status
 * says that it has slept and is awake. So that is intercepted, too, and the bit
 * reads as 1, on every CPU, until the guest clears it (ACPI 6.5, 4.8.3.1.1).
 * (From a refusal on would be enough, but all CPUs share a map of the ports,
 * and PM1 status is read a few times in a guest's life.)
 *
 * Not watched here: such registers in memory, and a guest that moves the
 * ports by the chipset's own configuration registers. Book: chapter 5.
 */
#include "vmm/sleep.h"

#include "console/printf.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "vmm/io.h"
#include "vmm/vcpu.h"

/* FADT (ACPI 6.5, 5.2.9). Hardware-reduced machines have sleep control and
 * status: one byte each, with the bits of PM1's high ones (4.8.3.7). */
#define FADT_FACS          36
#define FADT_EVENTS        56 /* PM1a and PM1b event block: status is first */
#define FADT_CONTROL       64
#define FADT_X_FACS        132
#define FADT_X_EVENTS      148
#define FADT_X_CONTROL     172
#define FADT_SLEEP_CONTROL 244
#define FADT_SLEEP_STATUS  256
#define FADT_SIZE          276
#define GAS_SIZE           12 /* generic address structure (5.2.3.2) */
#define GAS_SPACE_PORTS    1
#define HIGH_BYTE          1

/* In nearly every chipset PM1 control follows the event block. */
#define EVENTS_TO_CONTROL 4

/* FACS (5.2.10). */
#define FACS_VECTOR      12
#define FACS_WIDE_VECTOR 24
#define FACS_SIZE        64

#define REFUSALS_LOGGED 100

static struct acpi_sleep info;
static struct io_watch control_watch[SLEEP_PORTS], status_watch[SLEEP_PORTS];
static u64 refused;
static bool pretend_woken; /* PM1 status says so: set by a refusal */

void sleep_add_port(struct sleep_ports *ports, u64 port, uint block)
{
	if (!port || port > 0xffff)
		return;
	for (uint i = 0; i < ports->count; i++)
		if (ports->at[i].port == port && ports->at[i].block == block)
			return;
	if (ports->count == SLEEP_PORTS) {
		printf("vmm: too many ports for ACPI sleep: 0x%lx is not "
		       "watched\n",
		       port);
		return;
	}
	ports->at[ports->count].port = port;
	ports->at[ports->count++].block = block;
}

/* An address that a generic address structure has, if it is a port's; of a
 * doubtful table perhaps no longer called one. 0: there is none. */
static u64 gas_port(const struct acpi_table *fadt, u32 at)
{
	u64 port = acpi_field(fadt, at + 4, 8);

	if (!port || (fadt->data[at] != GAS_SPACE_PORTS && !fadt->doubtful))
		return 0;
	return port;
}

/* Register @base of each block, in its old and its extended form: both. */
static void add_blocks(struct sleep_ports *ports, const struct acpi_table *fadt,
		       u32 at, u32 x_at, uint offset)
{
	for (uint i = 0; i < ACPI_BLOCKS; i++) {
		u64 old = acpi_field(fadt, at + i * 4, 4);
		u64 extended = gas_port(fadt, x_at + i * GAS_SIZE);

		if (old)
			sleep_add_port(ports, old + offset, i);
		if (extended)
			sleep_add_port(ports, extended + offset, i);
	}
}

static void add_facs(acpi_map_fn *map, struct acpi_sleep *sleep, u64 phys)
{
	const u8 *p = phys && !(phys & 7) ? map(phys, FACS_SIZE) : NULL;

	if (!p || memcmp(p, "FACS", 4) || acpi_get32(p + 4) < FACS_SIZE)
		return;
	for (uint i = 0; i < sleep->facs_count; i++)
		if (sleep->facs_phys[i] == phys)
			return;
	if (sleep->facs_count == SLEEP_FACS) {
		sleep->doubtful = true;
		return;
	}
	sleep->facs_phys[sleep->facs_count] = phys;
	sleep->facs[sleep->facs_count++] = p;
}

static void read_fadt(acpi_map_fn *map, const struct acpi_table *fadt,
		      struct acpi_sleep *sleep)
{
	struct sleep_ports *control = &sleep->control, *status = &sleep->status;

	add_blocks(control, fadt, FADT_CONTROL, FADT_X_CONTROL, HIGH_BYTE);
	add_blocks(status, fadt, FADT_EVENTS, FADT_X_EVENTS, HIGH_BYTE);
	sleep_add_port(control, gas_port(fadt, FADT_SLEEP_CONTROL), 0);
	sleep_add_port(status, gas_port(fadt, FADT_SLEEP_STATUS), 0);
	if (fadt->doubtful)
		add_blocks(control, fadt, FADT_EVENTS, FADT_X_EVENTS,
			   EVENTS_TO_CONTROL + HIGH_BYTE);
	sleep->doubtful |= fadt->doubtful;
	add_facs(map, sleep, acpi_field(fadt, FADT_FACS, 4));
	add_facs(map, sleep, acpi_field(fadt, FADT_X_FACS, 8));
}

/* All FADTs: the guest may choose another one than we would. Of a doubtful one
 * the size may be what is wrong. */
void sleep_read(acpi_map_fn *map, const struct acpi_root *root,
		const struct chipset_bus *bus, struct acpi_sleep *sleep)
{
	struct acpi_table fadt;
	uint n = 0;

	*sleep = (struct acpi_sleep){.doubtful = false};
	for (; root && !acpi_find_next(map, root, "FACP", n, &fadt); n++) {
		const u8 *more =
			fadt.doubtful ? map(fadt.phys, FADT_SIZE) : NULL;

		if (more && fadt.size < FADT_SIZE) {
			fadt.data = more;
			fadt.size = FADT_SIZE;
		}
		read_fadt(map, &fadt, sleep);
	}
	for (uint i = 0; i < CHIPSET_FUNCTIONS; i++)
		sleep_add_port(&sleep->control, chipset_sleep_port(bus, i), 0);
	sleep->doubtful |= !sleep->facs_count; /* as it is without FADT */
}

/* The second vector came with version 1; before it there were zeros. */
bool sleep_has_waking_vector(const volatile u8 *facs)
{
	return *(const volatile u32 *)(facs + FACS_VECTOR) ||
	       *(const volatile u64 *)(facs + FACS_WIDE_VECTOR);
}

/* S2 loses the CPU's state and wakes like S3; S4 and S5 lose all memory. */
bool sleep_is_escape(const struct acpi_sleep *sleep, uint block, u8 byte,
		     bool waking_vector)
{
	u8 states = sleep->states[block][ACPI_SLP_TYP(byte)];

	if (!(byte & ACPI_SLP_EN))
		return false;
	if (!states)
		return waking_vector || sleep->doubtful;
	if (states & SLEEP_MAYBE_OFF)
		return waking_vector;
	return states & (BIT(2) | BIT(3));
}

static void find_ports(void)
{
	struct acpi_root root;
	bool found = !acpi_machine_root(&root);

	sleep_read(acpi_map, found ? &root : NULL, &chipset_bus, &info);
	if (!info.control.count)
		printf("vmm: no ACPI sleep control, neither by tables (FADT) "
		       "nor in a known chipset: nobody keeps the guest from "
		       "S3\n");
	for (uint i = 0; i < info.control.count; i++)
		printf("vmm: ACPI sleep control at port 0x%x is watched, for "
		       "S3\n",
		       info.control.at[i].port & ~HIGH_BYTE);
	if (info.control.count && info.doubtful)
		printf("vmm: ACPI's tables (FADT, FACS) are missing or have a "
		       "wrong sum: every sleep without a known name is "
		       "refused\n");
}

static bool has_waking_vector(void)
{
	for (uint i = 0; i < info.facs_count; i++)
		if (sleep_has_waking_vector(info.facs[i]))
			return true;
	return false;
}

static bool is_pretending(void)
{
	return __atomic_load_n(&pretend_woken, __ATOMIC_SEQ_CST);
}

static void pretend(bool on)
{
	__atomic_store_n(&pretend_woken, on, __ATOMIC_SEQ_CST);
}

/* A guest can ask as often as it likes. */
void sleep_refuse(const char *why)
{
	u64 n = __atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);

	pretend(true);
	if (n <= REFUSALS_LOGGED)
		printf("vmm: the guest asked for sleep state S3%s: refused "
		       "(number %lu)%s%s\n",
		       info.doubtful ? ", or for one without a name" : "", n,
		       why ? ": " : "", why ? why : "");
}

static u8 read_status(const struct io_watch *watch, u8 value)
{
	return is_pretending() ? value | ACPI_WAK_STS : value;
}

static u8 write_status(const struct io_watch *watch, u8 value)
{
	if (value & ACPI_WAK_STS)
		pretend(false);
	return value;
}

const char *(*sleep_obstacle)(uint block, u8 value);

u8 sleep_filter(uint block, u8 value)
{
	const char *why = NULL;

	if (!sleep_is_escape(&info, block, value, has_waking_vector()))
		return value;
	if (sleep_obstacle) {
		why = sleep_obstacle(block, value);
		if (!why)
			return value;
	}
	sleep_refuse(why);
	return value & ~ACPI_SLP_EN;
}

static u8 write_control(const struct io_watch *watch, u8 value)
{
	uint block = info.control.at[watch - control_watch].block;

	return sleep_filter(block, value);
}

static void watch_ports(void)
{
	for (uint i = 0; i < info.control.count; i++) {
		control_watch[i] = (struct io_watch){
			.port = info.control.at[i].port,
			.write = write_control,
		};
		io_watch(&control_watch[i]);
	}
	for (uint i = 0; i < info.status.count; i++) {
		status_watch[i] = (struct io_watch){
			.port = info.status.at[i].port,
			.read = read_status,
			.write = write_status,
		};
		io_watch(&status_watch[i]);
	}
}

struct acpi_sleep *sleep_tables(void)
{
	return &info;
}

void sleep_watch(void)
{
	if (*this_cpu(cpu_number) == 0) {
		find_ports();
		watch_ports();
	}
	io_intercept(vcpu_current());
}

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
 * A guest that was refused must go on: it waits until WAK_STS in PM1 status
 * says that it has slept and is awake. So that is intercepted, too, and the bit
 * reads as 1, on every CPU, until the guest clears it (ACPI 6.5, 4.8.3.1.1).
 * It would be enough to do so from a refusal on; but then the ports that all
 * CPUs share a map of would change under the feet of those in the guest, and
 * PM1 status is read a few times in a guest's life.
 *
 * Not watched: machines with hardware-reduced ACPI, which sleep by a register
 * of another kind, and a guest that moves the ports by the chipset's own
 * configuration registers. Book: chapter 5.
 */
#include "vmm/sleep.h"

#include "console/printf.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "vmm/io.h"
#include "vmm/vcpu.h"

/* FADT (ACPI 6.5, 5.2.9). */
#define FADT_FACS       36
#define FADT_DSDT       40
#define FADT_STATUS     56 /* PM1a and PM1b event block: status is first */
#define FADT_CONTROL    64
#define FADT_X_FACS     132
#define FADT_X_DSDT     140
#define FADT_X_STATUS   148
#define FADT_X_CONTROL  172
#define GAS_SIZE        12 /* generic address structure (5.2.3.2) */
#define GAS_SPACE_PORTS 1

/* FACS (5.2.10). */
#define FACS_VECTOR      12
#define FACS_WIDE_VECTOR 24
#define FACS_VERSION     32
#define FACS_SIZE        64

static struct acpi_sleep info;
static struct acpi_facs facs[ARRAY_SIZE(info.facs)];
static struct io_watch control_watch[ACPI_BLOCKS], status_watch[ACPI_BLOCKS];
static u64 refused;
static bool pretend_woken; /* PM1 status says so: set by a refusal */

/* A field of the FADT, which was shorter in the past. */
static u64 fadt_field(const struct acpi_table *fadt, u32 at, u32 size)
{
	if (at + size > fadt->size)
		return 0;
	return size == 8 ? acpi_get64(fadt->data + at)
			 : acpi_get32(fadt->data + at);
}

/* The extended address counts where there is one, as in operating systems. */
static u16 fadt_port(const struct acpi_table *fadt, u32 at, u32 x_at)
{
	u64 port = fadt_field(fadt, x_at + 4, 8);

	if (!port || fadt->data[x_at] != GAS_SPACE_PORTS)
		port = fadt_field(fadt, at, 4);
	return port < 0xffff ? port : 0;
}

void sleep_read_fadt(const struct acpi_table *fadt, struct acpi_sleep *sleep)
{
	*sleep = (struct acpi_sleep){
		.facs = {fadt_field(fadt, FADT_FACS, 4),
			 fadt_field(fadt, FADT_X_FACS, 8)},
		.dsdt = fadt_field(fadt, FADT_X_DSDT, 8),
	};
	if (!sleep->dsdt)
		sleep->dsdt = fadt_field(fadt, FADT_DSDT, 4);
	for (uint i = 0; i < ACPI_BLOCKS; i++) {
		sleep->control[i] = fadt_port(fadt, FADT_CONTROL + i * 4,
					      FADT_X_CONTROL + i * GAS_SIZE);
		sleep->status[i] = fadt_port(fadt, FADT_STATUS + i * 4,
					     FADT_X_STATUS + i * GAS_SIZE);
	}
}

int sleep_read_facs(acpi_map_fn *map, u64 phys, struct acpi_facs *facs)
{
	const u8 *p = phys && !(phys & 7) ? map(phys, FACS_SIZE) : NULL;

	if (!p || memcmp(p, "FACS", 4) || acpi_get32(p + 4) < FACS_SIZE)
		return -EINVAL;
	*facs = (struct acpi_facs){p, p[FACS_VERSION] >= 1};
	return 0;
}

bool sleep_has_waking_vector(const struct acpi_facs *facs)
{
	const volatile u8 *p = facs->data;

	if (*(const volatile u32 *)(p + FACS_VECTOR))
		return true;
	return facs->wide && *(const volatile u64 *)(p + FACS_WIDE_VECTOR);
}

/* S2 loses the CPU's state and wakes like S3; S4 and S5 lose all memory. */
bool sleep_is_escape(const struct acpi_sleep *sleep, uint block, u8 byte,
		     bool waking_vector)
{
	u8 states = sleep->states[block][ACPI_SLP_TYP(byte)];

	if (!(byte & ACPI_SLP_EN))
		return false;
	return states ? states & (BIT(2) | BIT(3)) : waking_vector;
}

static int read_tables(void)
{
	struct acpi_root root;
	struct acpi_table table;
	int error = acpi_machine_root(&root);

	if (!error)
		error = acpi_find(acpi_map, &root, "FACP", &table);
	if (error)
		return error;
	sleep_read_fadt(&table, &info);
	for (uint i = 0; i < ARRAY_SIZE(facs); i++)
		sleep_read_facs(acpi_map, info.facs[i], &facs[i]);
	return 0;
}

static void find_ports(void)
{
	if (read_tables() || !info.control[0])
		printf("vmm: no ACPI sleep control here (FADT): nobody keeps "
		       "the guest from S3\n");
	else
		printf("vmm: ACPI sleep control at port 0x%x is watched, for "
		       "S3\n",
		       info.control[0]);
}

static bool has_waking_vector(void)
{
	for (uint i = 0; i < ARRAY_SIZE(facs); i++)
		if (facs[i].data && sleep_has_waking_vector(&facs[i]))
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

static void refuse_sleep(void)
{
	pretend(true);
	printf("vmm: the guest asked for sleep state S3: refused (number "
	       "%lu)\n",
	       __atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED));
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

static u8 write_control(const struct io_watch *watch, u8 value)
{
	uint block = watch - control_watch;

	if (!sleep_is_escape(&info, block, value, has_waking_vector()))
		return value;
	refuse_sleep();
	return value & ~ACPI_SLP_EN;
}

static void watch_high_bytes(void)
{
	for (uint i = 0; i < ACPI_BLOCKS; i++) {
		control_watch[i] = (struct io_watch){
			.port = info.control[i] + 1,
			.write = write_control,
		};
		status_watch[i] = (struct io_watch){
			.port = info.status[i] + 1,
			.read = read_status,
			.write = write_status,
		};
		if (info.control[i])
			io_watch(&control_watch[i]);
		if (info.status[i])
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
		watch_high_bytes();
	}
	io_intercept(vcpu_current());
}

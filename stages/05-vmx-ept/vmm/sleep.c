/*
 * Sleep state S3 is refused.
 *
 * In S3 the CPU is off and memory stays. On waking, the firmware jumps to where
 * the guest wants: the guest would run without Vellum, with Vellum's memory
 * open before it. So the ports that begin a sleep are intercepted, of all
 * ports these only: the high bytes of PM1 control, where SLP_TYP and SLP_EN
 * are (an access that touches an intercepted byte exits whatever its size).
 * Power off (S5), S4 and the rest pass.
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
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/percpu.h"
#include "vmm/acpi_sleep.h"
#include "vmm/vcpu.h"

#define WATCH_HIGH(port) ((port) + 1)

static struct acpi_sleep sleep;
static struct acpi_facs facs[ARRAY_SIZE(sleep.facs)];
static u64 refused;
static bool pretend_woken; /* PM1 status says so: set by a refusal */

static int read_tables(void)
{
	struct acpi_root root;
	struct acpi_table table;
	int error = acpi_machine_root(&root);

	if (!error)
		error = acpi_find(acpi_map, &root, "FACP", &table);
	if (error)
		return error;
	acpi_read_fadt(&table, &sleep);
	if (!acpi_read_table(acpi_map, sleep.dsdt, "DSDT", &table))
		acpi_read_states(&table, sleep.states);
	for (uint i = 0; i < ARRAY_SIZE(facs); i++)
		acpi_read_facs(acpi_map, sleep.facs[i], &facs[i]);
	return 0;
}

static void find_ports(void)
{
	if (read_tables() || !sleep.control[0])
		printf("vmm: no ACPI sleep control here (FADT): nobody keeps "
		       "the guest from S3\n");
	else
		printf("vmm: ACPI sleep control at port 0x%x is watched, for "
		       "S3\n",
		       sleep.control[0]);
}

/* Intercept the high bytes of the registers at @ports. */
static void intercept(struct vcpu *vcpu, const u16 *ports)
{
	for (uint i = 0; i < ACPI_BLOCKS; i++)
		if (ports[i])
			vcpu_ops->intercept_io(vcpu, WATCH_HIGH(ports[i]));
}

void sleep_watch(void)
{
	struct vcpu *vcpu = vcpu_current();

	if (!vcpu)
		return;
	if (*this_cpu(cpu_number) == 0)
		find_ports();
	intercept(vcpu, sleep.control);
	intercept(vcpu, sleep.status);
}

static bool has_waking_vector(void)
{
	for (uint i = 0; i < ARRAY_SIZE(facs); i++)
		if (facs[i].data && acpi_has_waking_vector(&facs[i]))
			return true;
	return false;
}

/*
 * Does @exit access the high byte of the register at @port (0: there is none)?
 * Then that byte's place in the value is in *@shift.
 */
static bool covers(const struct vm_exit *exit, u16 port, uint *shift)
{
	u32 byte = WATCH_HIGH(port) - exit->port;

	*shift = byte * 8;
	return port && byte < exit->size;
}

static bool is_pretending(void)
{
	return __atomic_load_n(&pretend_woken, __ATOMIC_SEQ_CST);
}

static void pretend(bool on)
{
	__atomic_store_n(&pretend_woken, on, __ATOMIC_SEQ_CST);
}

static void refuse(void)
{
	pretend(true);
	printf("vmm: the guest asked for sleep state S3: refused (number "
	       "%lu)\n",
	       __atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED));
}

static void write_port(struct vcpu *vcpu, const struct vm_exit *exit)
{
	u32 value = vcpu->regs.rax;
	uint shift;

	for (uint i = 0; i < ACPI_BLOCKS; i++) {
		if (covers(exit, sleep.control[i], &shift) &&
		    acpi_is_escape(&sleep, i, value >> shift,
				   has_waking_vector())) {
			refuse();
			value &= ~(ACPI_SLP_EN << shift);
		}
		if (is_pretending() && covers(exit, sleep.status[i], &shift) &&
		    (value >> shift & ACPI_WAK_STS))
			pretend(false);
	}
	if (exit->size == 1)
		outb(exit->port, value);
	else if (exit->size == 2)
		outw(exit->port, value);
	else
		outl(exit->port, value);
}

/* IN changes as much of RAX as MOV would: 32 bits clear the upper half. */
static void read_port(struct vcpu *vcpu, const struct vm_exit *exit)
{
	u64 kept = exit->size < 4 ? vcpu->regs.rax & ~0UL << exit->size * 8 : 0;
	u32 value;
	uint shift;

	if (exit->size == 1)
		value = inb(exit->port);
	else if (exit->size == 2)
		value = inw(exit->port);
	else
		value = inl(exit->port);
	for (uint i = 0; i < ACPI_BLOCKS; i++)
		if (is_pretending() && covers(exit, sleep.status[i], &shift))
			value |= ACPI_WAK_STS << shift;
	vcpu->regs.rax = kept | value;
}

/* INS and OUTS at these ports are nothing that a system would do. */
EXIT_HANDLER(IO)
{
	if (exit->string) {
		printf("vmm: a string instruction at port 0x%x: #GP\n",
		       exit->port);
		vcpu_ops->inject_exception(vcpu, VECTOR_GP, 0);
		return;
	}
	if (exit->write)
		write_port(vcpu, exit);
	else
		read_port(vcpu, exit);
	vcpu_ops->skip_instruction(vcpu);
}

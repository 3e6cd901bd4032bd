/*
 * Sleep, as tables and chipsets tell of it: the ports of FADTs old and new, the
 * waking vectors, names in AML, and the verdict. Then each byte of each table
 * is spoiled in turn, and no guard may fall.
 */
#include "boot/boot_info.h"
#include "host.h"
#include "paging/address.h"
#include "paging/paging.h"
#include "sleep/states.h"
#include "vmm/vcpu.h"

#define TYPE(n)  ((n) << 2)
#define SLEEP(n) (TYPE(n) | ACPI_SLP_EN)

/* What the machine's own memory and guest would need; nothing here asks. */
struct boot_info boot_info;
bool space_entered;
const struct vcpu_ops *vcpu_ops;
exit_handler_fn handle_exit_IO;

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	return NULL;
}

struct vcpu *vcpu_current(void)
{
	return NULL;
}

#define MEMORY 4096
#define RSDP   0x000
#define RSDT   0x100
#define XSDT   0x300
#define FADT   0x500
#define FACS   0x700
#define DSDT   0x800
#define PM1    0x604

static u8 memory[MEMORY];
static void *copies[1024];
static uint copy_count;
static struct acpi_sleep info;

static int clear(void **state)
{
	while (copy_count)
		libc_free(copies[--copy_count]);
	memset(memory, 0, sizeof(memory));
	memset(&info, 0, sizeof(info));
	host_printed[0] = '\0';
	return 0;
}

/* Exactly the bytes that were asked for, for the address sanitizer. */
static const void *map(u64 phys, u64 size)
{
	u8 *copy;

	if (phys > MEMORY || size > MEMORY - phys)
		return NULL;
	assert_true(copy_count < ARRAY_SIZE(copies));
	copy = malloc(size);
	memcpy(copy, memory + phys, size);
	copies[copy_count++] = copy;
	return copy;
}

static void put(u32 at, u64 value, uint size)
{
	memcpy(memory + at, &value, size);
}

static void seal(u32 at, u32 size, u32 sum_at)
{
	u8 sum = 0;

	for (u32 i = 0; i < size; i++)
		sum += memory[at + i];
	memory[at + sum_at] -= sum;
}

static void table(u32 at, const char *signature, u32 size)
{
	memcpy(memory + at, signature, 4);
	put(at + 4, size, 4);
	seal(at, size, 9);
}

static void read_aml(const u8 *aml, u32 size)
{
	u8 *copy = malloc(ACPI_HEADER_SIZE + size);

	memcpy(copy + ACPI_HEADER_SIZE, aml, size);
	sleep_read_states(&(struct acpi_table){.data = copy,
					       .size = ACPI_HEADER_SIZE + size},
			  info.states);
	libc_free(copy);
}

/* As QEMU has it, and as others do. */
static const u8 aml[] = {
	0x08, '_',  'S',  '3',  '_', 0x12, 0x06, 0x04, 0x01, 0x01,
	0x00, 0x00, /* {1, 1, 0, 0} */
	0x08, '\\', '_',  'S',  '4', '_',  0x12, 0x07, 0x04, 0x0a,
	0x02, 0x00, 0x00, 0x00, /* {2, 0, 0, 0} */
	0x08, '_',  'S',  '5',  '_', 0x12, 0x40, 0x06, 0x02, 0x0b,
	0x07, 0x00, 0x00,                     /* {7, 0}, long length */
	0x08, '_',  'S',  '3',  'D', 0x0a, 4, /* a method's name */
	0x08, '_',  'S',  '1',  '_', 0x12, 8,    4,    0x0c, 1,
	0x08, '_',  'S',  '2',  '_', 0x12, 4,    2,    0x0a,
};

static void names_in_aml_are_found(void **state)
{
	read_aml(aml, sizeof(aml));
	assert_int_equal(info.states[0][1], BIT(3));
	assert_int_equal(info.states[1][1], BIT(3));
	assert_int_equal(info.states[0][2], BIT(4));
	assert_int_equal(info.states[0][7], BIT(5));
	assert_int_equal(info.states[1][0], BIT(4) | BIT(5));
	assert_int_equal(info.states[0][0], 0);
	assert_int_equal(info.states[0][4], 0);
}

static void damaged_aml_does_no_harm(void **state)
{
	u8 copy[sizeof(aml)];

	for (u32 size = 0; size < sizeof(aml); size++)
		read_aml(aml, size);
	for (uint round = 0; round < host_operations(20000); round++) {
		memcpy(copy, aml, sizeof(aml));
		for (uint i = 1 + host_random(6); i; i--)
			copy[host_random(sizeof(aml))] = host_random(256);
		read_aml(copy, host_random(sizeof(aml) + 1));
	}
}

/* PIIX4 at 00:01.3, as QEMU's PC has it; or nothing. */
static u32 pci_piix4(uint function, uint reg)
{
	if (function != 1 * 8 + 3)
		return ~0U;
	return reg == 0 ? 0x71138086 : reg == 0x40 ? 0x601 : 0x06800000;
}

static u32 pci_ich9(uint function, uint reg)
{
	if (function != 31 * 8)
		return ~0U;
	return reg == 0 ? 0x29188086 : reg == 0x40 ? 0x1801 : 0x06010000;
}

static u32 pci_fch(uint function, uint reg)
{
	if (function != 0x14 * 8)
		return ~0U;
	return reg == 0 ? 0x790b1022 : 0x0c050000;
}

static u32 pci_empty(uint function, uint reg)
{
	return ~0U;
}

static u8 pm_registers(u8 reg)
{
	return reg == 0x62 ? 0x04 : reg == 0x63 ? 0x08 : 0xff;
}

static const struct chipset_bus piix4 = {pci_piix4, NULL},
				ich9 = {pci_ich9, NULL},
				fch = {pci_fch, pm_registers},
				unknown = {pci_empty, NULL};

static bool watches(const struct sleep_ports *ports, u16 port, uint block)
{
	for (uint i = 0; i < ports->count; i++)
		if (ports->at[i].port == port && ports->at[i].block == block)
			return true;
	return false;
}

/* As the machine does it: a sound root first. */
static void read_all(const struct chipset_bus *bus, struct acpi_sleep *sleep,
		     bool names)
{
	struct acpi_root root;
	int at = acpi_scan(memory, MEMORY, true);
	bool found;

	if (at < 0)
		at = acpi_scan(memory, MEMORY, false);
	found = at >= 0 && !acpi_read_root(map, at, &root);
	sleep_read(map, found ? &root : NULL, bus, sleep);
	if (names)
		sleep_read_names(map, found ? &root : NULL, sleep);
}

/* The FADT's fields are there; the rest, and all sums. */
static void machine(u32 fadt_size)
{
	memcpy(memory + RSDP, "RSD PTR ", 8);
	memory[RSDP + 15] = 2;
	put(RSDP + 16, RSDT, 4);
	put(RSDP + 20, 36, 4);
	put(RSDP + 24, XSDT, 8);
	seal(RSDP, 20, 8);
	seal(RSDP, 36, 32);
	put(RSDT + 36, FADT, 4);
	table(RSDT, "RSDT", 40);
	put(XSDT + 36, FADT, 8);
	table(XSDT, "XSDT", 44);
	put(FADT + 36, FACS, 4);
	put(FADT + 40, DSDT, 4);
	table(FADT, "FACP", fadt_size);
	memcpy(memory + FACS, "FACS\x40", 5);
	memcpy(memory + DSDT + 36, aml, sizeof(aml));
	table(DSDT, "DSDT", 36 + sizeof(aml));
}

static void old_fadt(void)
{
	put(FADT + 56, PM1 - 4, 4);
	put(FADT + 64, PM1, 4);
}

static void an_old_fadt_has_32_bit_addresses(void **state)
{
	old_fadt();
	machine(116);
	read_all(&unknown, &info, false);
	assert_int_equal(info.status.count, 1);
	assert_true(watches(&info.status, PM1 - 3, 0));
	assert_int_equal(info.control.count, 1);
	assert_true(watches(&info.control, PM1 + 1, 0));
	assert_int_equal(info.facs_count, 1);
	assert_false(info.doubtful);
}

static void of_two_addresses_both_are_watched(void **state)
{
	old_fadt();
	memory[FADT + 148] = memory[FADT + 172] = memory[FADT + 184] = 1;
	put(FADT + 152, 0x1800, 8);
	put(FADT + 176, 0x1804, 8);
	put(FADT + 188, 0x1904, 8);
	machine(244);
	read_all(&unknown, &info, false);
	assert_true(watches(&info.control, PM1 + 1, 0));
	assert_true(watches(&info.control, 0x1805, 0));
	assert_true(watches(&info.control, 0x1905, 1));
	assert_int_equal(info.control.count, 3);
	assert_true(watches(&info.status, 0x1801, 0));
}

static void an_extended_address_must_be_a_port(void **state)
{
	old_fadt();
	put(FADT + 176, 0x1804, 8); /* in memory, says the byte before it */
	machine(244);
	read_all(&unknown, &info, false);
	assert_int_equal(info.control.count, 1);
}

static void sleep_control_of_one_byte_is_watched(void **state)
{
	memory[FADT + 244] = memory[FADT + 256] = 1;
	put(FADT + 248, 0x1234, 8);
	put(FADT + 260, 0x1236, 8);
	machine(268);
	read_all(&unknown, &info, false);
	assert_int_equal(info.control.count, 1);
	assert_true(watches(&info.control, 0x1234, 0));
	assert_true(watches(&info.status, 0x1236, 0));
}

static void a_short_fadt_has_nothing(void **state)
{
	for (u32 size = 36; size < 68; size++) {
		clear(NULL);
		old_fadt();
		machine(size);
		read_all(&unknown, &info, true);
		assert_int_equal(info.control.count, 0);
	}
}

static void the_chipset_knows_as_well(void **state)
{
	sleep_read(map, NULL, &piix4, &info);
	assert_true(watches(&info.control, 0x605, 0));
	assert_true(info.doubtful);
	sleep_read(map, NULL, &ich9, &info);
	assert_true(watches(&info.control, 0x1805, 0));
	sleep_read(map, NULL, &fch, &info);
	assert_true(watches(&info.control, 0x805, 0));
	sleep_read(map, NULL, &unknown, &info);
	assert_int_equal(info.control.count, 0);
	old_fadt();
	machine(116);
	read_all(&piix4, &info, false);
	assert_int_equal(info.control.count, 1);
}

static void a_port_that_is_not_watched_is_named(void **state)
{
	for (uint i = 1; i <= SLEEP_PORTS; i++)
		sleep_add_port(&info.control, i, 0);
	sleep_add_port(&info.control, 3, 0);
	sleep_add_port(&info.control, 0x10000, 0);
	assert_string_equal(host_printed, "");
	sleep_add_port(&info.control, 99, 0);
	assert_non_null(strstr(host_printed, "0x63 is not watched"));
}

static void the_facs_holds_two_vectors(void **state)
{
	old_fadt();
	put(FADT + 36, FACS + 1, 4);
	machine(116);
	put(FADT + 36, FACS + 1, 4);
	seal(FADT, 116, 9);
	read_all(&unknown, &info, false);
	assert_int_equal(info.facs_count, 0);
	assert_true(info.doubtful); /* who knows where the vector is? */
	put(FADT + 36, FACS, 4);
	seal(FADT, 116, 9);
	read_all(&unknown, &info, false);
	assert_int_equal(info.facs_count, 1);
	assert_false(sleep_has_waking_vector(info.facs[0]));
	put(FACS + 24, 1UL << 40, 8);
	read_all(&unknown, &info, false);
	assert_true(sleep_has_waking_vector(info.facs[0]));
	put(FACS + 24, 0, 8);
	put(FACS + 12, 0x9a000, 4);
	read_all(&unknown, &info, false);
	assert_true(sleep_has_waking_vector(info.facs[0]));
}

/* A wrong sum of the DSDT is a thing that one sees. */
static void a_doubtful_dsdt_still_lets_the_machine_be_switched_off(void **state)
{
	old_fadt();
	machine(116);
	memory[DSDT + 9] ^= 1;
	read_all(&piix4, &info, true);
	assert_true(info.doubtful);
	assert_false(sleep_is_escape(&info, 0, SLEEP(7), false)); /* S5 */
	assert_true(sleep_is_escape(&info, 0, SLEEP(1), false));  /* S3 */
	assert_true(sleep_is_escape(&info, 0, SLEEP(2), false));  /* S4 */
}

static bool has_vector(const struct acpi_sleep *sleep)
{
	for (uint i = 0; i < sleep->facs_count; i++)
		if (sleep_has_waking_vector(sleep->facs[i]))
			return true;
	return false;
}

static bool refuses(const struct acpi_sleep *sleep, u16 port, u8 byte)
{
	for (uint i = 0; i < sleep->control.count; i++)
		if (sleep->control.at[i].port == port &&
		    sleep_is_escape(sleep, sleep->control.at[i].block, byte,
				    has_vector(sleep)))
			return true;
	return false;
}

/* Whatever @good refuses, @bad must refuse. */
static void assert_no_fewer_guards(const struct acpi_sleep *good,
				   const struct acpi_sleep *bad, u32 at)
{
	for (uint i = 0; i < good->control.count; i++)
		for (uint type = 0; type < ACPI_SLP_TYPES; type++) {
			u16 port = good->control.at[i].port;

			if (refuses(good, port, SLEEP(type)) &&
			    !refuses(bad, port, SLEEP(type)))
				fail_msg("0x%x spoiled: type %u at port 0x%x",
					 at, type, port);
		}
}

/* Each bit, each digit turned into each other (of a state's name), all bits. */
static const u8 spoilt[] = {1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64, 128, 255};

static void spoil(u32 from, u32 size, const struct acpi_sleep *good, bool names)
{
	static struct acpi_sleep bad;
	uint kept = copy_count;

	for (u32 at = from; at < from + size; at++)
		for (uint i = 0; i < ARRAY_SIZE(spoilt); i++) {
			memory[at] ^= spoilt[i];
			read_all(&piix4, &bad, names);
			assert_no_fewer_guards(good, &bad, at);
			memory[at] ^= spoilt[i];
			while (copy_count > kept)
				libc_free(copies[--copy_count]);
		}
}

/* @names: the DSDT is read, too; @vector: the guest has left one. */
static void spoil_machine(u32 fadt_size, bool names, u32 vector)
{
	static struct acpi_sleep good;

	clear(NULL);
	old_fadt();
	if (fadt_size >= 244) {
		memory[FADT + 148] = memory[FADT + 172] = 1;
		memory[FADT + 184] = 1;
		put(FADT + 152, PM1 - 4, 8);
		put(FADT + 176, PM1, 8);
		put(FADT + 140, DSDT, 8);
	}
	machine(fadt_size);
	put(FACS + 12, vector, 4);
	read_all(&piix4, &good, names);
	assert_false(good.doubtful);
	assert_int_equal(refuses(&good, PM1 + 1, SLEEP(1)), names || vector);
	spoil(RSDP, 36, &good, names);
	spoil(RSDT, 40, &good, names);
	spoil(XSDT, 44, &good, names);
	spoil(FADT, fadt_size, &good, names);
	spoil(FACS, 12, &good, names);
	spoil(FACS + 16, 48, &good, names); /* not the guest's own vector */
	spoil(DSDT, 36 + sizeof(aml), &good, names);
}

static void no_spoiled_byte_lets_a_guard_fall(void **state)
{
	for (uint names = 0; names < 2; names++) {
		spoil_machine(116, names, 0);
		spoil_machine(116, names, 0x9a010);
		spoil_machine(244, names, 0);
		spoil_machine(244, names, 0x9a010);
	}
}

/* The FADT alone, on a chipset that nobody knows. */
static void a_spoiled_port_is_found_by_its_neighbour(void **state)
{
	for (u32 at = 36; at < 116; at++)
		for (uint i = 0; i < ARRAY_SIZE(spoilt); i++) {
			clear(NULL);
			old_fadt();
			machine(116);
			memory[FADT + at] ^= spoilt[i];
			read_all(&unknown, &info, false);
			assert_true(watches(&info.control, PM1 + 1, 0));
			assert_true(refuses(&info, PM1 + 1, SLEEP(1)));
		}
}

int main(void)
{
	host_seed();
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, clear, clear)
		T(an_old_fadt_has_32_bit_addresses),
		T(of_two_addresses_both_are_watched),
		T(an_extended_address_must_be_a_port),
		T(sleep_control_of_one_byte_is_watched),
		T(a_short_fadt_has_nothing),
		T(the_chipset_knows_as_well),
		T(a_port_that_is_not_watched_is_named),
		T(names_in_aml_are_found),
		T(damaged_aml_does_no_harm),
		T(the_facs_holds_two_vectors),
		T(a_doubtful_dsdt_still_lets_the_machine_be_switched_off),
		T(no_spoiled_byte_lets_a_guard_fall),
		T(a_spoiled_port_is_found_by_its_neighbour),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

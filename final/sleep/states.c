/*
 * Sleep states by their names.
 *
 * Which SLP_TYP means which state is the chipset's choice, and only AML, ACPI's
 * bytecode, knows: \_S3_ and its like are packages of two small numbers. A
 * search for these names needs no interpreter. It is exact where it finds
 * them: the waking vector, by which vmm/sleep.c goes without it, is not, as a
 * guest may leave it there when it powers off, or write it, from another CPU,
 * right after we looked. But AML can hide a name (in a secondary table, or
 * computed), so for a SLP_TYP that we can't name the vector goes on to decide.
 * Book: chapter 9.
 */
#include "sleep/states.h"

#include "console/printf.h"

/* AML (20.2). */
#define AML_ZERO    0x00
#define AML_ONE     0x01
#define AML_NAME    0x08
#define AML_BYTE    0x0a
#define AML_WORD    0x0b
#define AML_PACKAGE 0x12
#define AML_ROOT    '\\'

/* Bytes of AML that end somewhere; after that it is bad, and reads as 0. */
struct aml {
	const u8 *at, *end;
	bool bad;
};

static u8 next_byte(struct aml *aml)
{
	if (aml->at < aml->end)
		return *aml->at++;
	aml->bad = true;
	return 0;
}

static u32 read_integer(struct aml *aml)
{
	u8 op = next_byte(aml);
	u32 value;

	switch (op) {
	case AML_ZERO:
	case AML_ONE:
		return op;
	case AML_BYTE:
		return next_byte(aml);
	case AML_WORD:
		value = next_byte(aml);
		return value | (u32)next_byte(aml) << 8;
	default:
		aml->bad = true;
		return 0;
	}
}

/* Name (\_Sn_, ...: the n, or 0. */
static uint read_name(struct aml *aml)
{
	u8 name[4], first;

	if (next_byte(aml) != AML_NAME)
		return 0;
	first = next_byte(aml);
	name[0] = first == AML_ROOT ? next_byte(aml) : first;
	for (uint i = 1; i < sizeof(name); i++)
		name[i] = next_byte(aml);
	if (aml->bad || name[0] != '_' || name[1] != 'S' || name[3] != '_')
		return 0;
	return name[2] >= '1' && name[2] <= '5' ? name[2] - '0' : 0;
}

/* Package () {number, number, ...}: up to two of them; how many there are. */
static uint read_package(struct aml *aml, u32 *values)
{
	uint count, n = 0;

	if (next_byte(aml) != AML_PACKAGE)
		return 0;
	for (uint more = next_byte(aml) >> 6; more; more--) /* of its length */
		next_byte(aml);
	count = next_byte(aml);
	while (n < MIN(count, (uint)ACPI_BLOCKS)) {
		values[n] = read_integer(aml);
		if (aml->bad)
			break;
		n++;
	}
	return n;
}

void sleep_read_states(const struct acpi_table *dsdt,
		       u8 states[ACPI_BLOCKS][ACPI_SLP_TYPES])
{
	const u8 *end = dsdt->data + dsdt->size;
	u32 values[ACPI_BLOCKS];

	for (const u8 *p = dsdt->data + ACPI_HEADER_SIZE; p < end; p++) {
		struct aml aml = {p, end, false};
		uint state = read_name(&aml);
		uint count = state ? read_package(&aml, values) : 0;

		for (uint i = 0; i < count; i++)
			if (values[i] < ACPI_SLP_TYPES)
				states[i][values[i]] |= BIT(state);
	}
}

/*
 * A doubtful DSDT may call S3 by another name. Its states stay where they close
 * something. Of the others only power off is believed, which all machines have,
 * and only if just one type has this name: were one byte of the real \_S3_
 * wrong, there could be two. Even then a waking vector says that it is not so.
 */
static void doubt_states(u8 states[ACPI_BLOCKS][ACPI_SLP_TYPES])
{
	uint most = 0;

	for (uint block = 0; block < ACPI_BLOCKS; block++) {
		uint off = 0;

		for (uint type = 0; type < ACPI_SLP_TYPES; type++)
			off += !!(states[block][type] & BIT(5));
		most = MAX(most, off);
	}
	for (uint i = 0; i < ACPI_BLOCKS * ACPI_SLP_TYPES; i++) {
		u8 *s = &states[i / ACPI_SLP_TYPES][i % ACPI_SLP_TYPES];
		bool off = most == 1 && (*s & BIT(5));

		if (!(*s & (BIT(2) | BIT(3))))
			*s = off ? SLEEP_MAYBE_OFF : 0;
	}
}

/* All DSDTs: together they can only name more states for a type. */
void sleep_read_names(acpi_map_fn *map, const struct acpi_root *root,
		      struct acpi_sleep *sleep)
{
	struct acpi_table dsdt;
	bool doubtful = false;
	uint n = 0;

	for (; root && !acpi_find_dsdt(map, root, n, &dsdt); n++) {
		sleep_read_states(&dsdt, sleep->states);
		doubtful |= dsdt.doubtful;
	}
	if (n && !doubtful)
		return;
	doubt_states(sleep->states);
	sleep->doubtful = true;
	printf("sleep: the names of sleep states (DSDT) are missing or have a "
	       "wrong sum: all sleeps are refused but a clear power off\n");
}

void sleep_name_states(void)
{
	struct acpi_root root;
	bool found = !acpi_machine_root(&root);

	sleep_read_names(acpi_map, found ? &root : NULL, sleep_tables());
}

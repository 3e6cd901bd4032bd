/*
 * What ACPI's tables tell of sleep.
 *
 * A guest goes to sleep by a write of SLP_TYP and SLP_EN to PM1 control. Which
 * SLP_TYP means which state is the chipset's choice, and only AML, ACPI's
 * bytecode, knows: \_S3_ and its like are packages of two small numbers. A
 * search for these names needs no interpreter. It is exact where it finds
 * them: the FACS is not, as a guest may leave its waking vector there when it
 * powers off, or write it, from another CPU, right after we looked. But AML can
 * hide a name (in a secondary table, or computed), so for a SLP_TYP that we
 * can't name the vector decides: who leaves one wants to be called back there
 * (ACPI 6.5, 5.2.10 and 16.3.1).
 */
#include "vmm/acpi_sleep.h"

#include "lib/errno.h"

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

/* AML (20.2). */
#define AML_ZERO    0x00
#define AML_ONE     0x01
#define AML_NAME    0x08
#define AML_BYTE    0x0a
#define AML_WORD    0x0b
#define AML_PACKAGE 0x12
#define AML_ROOT    '\\'

/* A field of the FADT, which was shorter in the past. */
static u64 field(const struct acpi_table *fadt, u32 at, u32 size)
{
	if (at + size > fadt->size)
		return 0;
	return size == 8 ? acpi_get64(fadt->data + at)
			 : acpi_get32(fadt->data + at);
}

/* The extended address counts where there is one, as in operating systems. */
static u16 read_port(const struct acpi_table *fadt, u32 at, u32 x_at)
{
	u64 port = field(fadt, x_at + 4, 8);

	if (!port || fadt->data[x_at] != GAS_SPACE_PORTS)
		port = field(fadt, at, 4);
	return port < 0xffff ? port : 0;
}

void acpi_read_fadt(const struct acpi_table *fadt, struct acpi_sleep *sleep)
{
	*sleep = (struct acpi_sleep){
		.facs = {field(fadt, FADT_FACS, 4),
			 field(fadt, FADT_X_FACS, 8)},
		.dsdt = field(fadt, FADT_X_DSDT, 8),
	};
	if (!sleep->dsdt)
		sleep->dsdt = field(fadt, FADT_DSDT, 4);
	for (uint i = 0; i < ACPI_BLOCKS; i++) {
		sleep->control[i] = read_port(fadt, FADT_CONTROL + i * 4,
					      FADT_X_CONTROL + i * GAS_SIZE);
		sleep->status[i] = read_port(fadt, FADT_STATUS + i * 4,
					     FADT_X_STATUS + i * GAS_SIZE);
	}
}

/* Bytes of AML that end somewhere; after that it is bad, and reads as 0. */
struct aml {
	const u8 *at, *end;
	bool bad;
};

static u8 next(struct aml *aml)
{
	if (aml->at < aml->end)
		return *aml->at++;
	aml->bad = true;
	return 0;
}

static u32 read_integer(struct aml *aml)
{
	u8 op = next(aml);
	u32 value;

	switch (op) {
	case AML_ZERO:
	case AML_ONE:
		return op;
	case AML_BYTE:
		return next(aml);
	case AML_WORD:
		value = next(aml);
		return value | (u32)next(aml) << 8;
	default:
		aml->bad = true;
		return 0;
	}
}

/* Name (\_Sn_, ...: the n, or 0. */
static uint read_name(struct aml *aml)
{
	u8 name[4], first;

	if (next(aml) != AML_NAME)
		return 0;
	first = next(aml);
	name[0] = first == AML_ROOT ? next(aml) : first;
	for (uint i = 1; i < sizeof(name); i++)
		name[i] = next(aml);
	if (aml->bad || name[0] != '_' || name[1] != 'S' || name[3] != '_')
		return 0;
	return name[2] >= '1' && name[2] <= '5' ? name[2] - '0' : 0;
}

/* Package () {number, number, ...}: up to two of them; how many there are. */
static uint read_package(struct aml *aml, u32 *values)
{
	uint count, n = 0;

	if (next(aml) != AML_PACKAGE)
		return 0;
	for (uint more = next(aml) >> 6; more; more--) /* of its length */
		next(aml);
	count = next(aml);
	while (n < MIN(count, (uint)ACPI_BLOCKS)) {
		values[n] = read_integer(aml);
		if (aml->bad)
			break;
		n++;
	}
	return n;
}

void acpi_read_states(const struct acpi_table *dsdt,
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

int acpi_read_facs(acpi_map_fn *map, u64 phys, struct acpi_facs *facs)
{
	const u8 *p = phys && !(phys & 7) ? map(phys, FACS_SIZE) : NULL;

	if (!p || memcmp(p, "FACS", 4) || acpi_get32(p + 4) < FACS_SIZE)
		return -EINVAL;
	*facs = (struct acpi_facs){p, p[FACS_VERSION] >= 1};
	return 0;
}

bool acpi_has_waking_vector(const struct acpi_facs *facs)
{
	const volatile u8 *p = facs->data;

	if (*(const volatile u32 *)(p + FACS_VECTOR))
		return true;
	return facs->wide && *(const volatile u64 *)(p + FACS_WIDE_VECTOR);
}

/* S2 loses the CPU's state and wakes like S3; S4 and S5 lose all memory. */
bool acpi_is_escape(const struct acpi_sleep *sleep, uint block, u8 byte,
		    bool waking_vector)
{
	u8 states = sleep->states[block][ACPI_SLP_TYP(byte)];

	if (!(byte & ACPI_SLP_EN))
		return false;
	return states ? states & (BIT(2) | BIT(3)) : waking_vector;
}

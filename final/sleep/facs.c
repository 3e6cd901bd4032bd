/*
 * The waking vectors (ACPI 6.5, 5.2.10).
 *
 *	FACS + 12  an address below 1 MiB, to be called in real mode
 *	FACS + 24  one of 64 bits, in protected or 64-bit mode; it goes first
 *
 * Systems use the first and clear the second. A guest that leaves the second is
 * refused: the firmware calls it in a mode that depends on flags and on the
 * firmware, and nobody could test that here. There may be two FACS, and only
 * the firmware knows which one it will look at: all of them get our vector.
 * Book: chapter 9.
 */
#include "sleep/facs.h"

#include "lib/errno.h"
#include "vmm/window.h"

#define VECTOR      12
#define WIDE_VECTOR 24

#define REAL_MODE_END MIB

static u32 vector_of(const volatile u8 *facs)
{
	return *(const volatile u32 *)(facs + VECTOR);
}

static u64 wide_vector_of(const volatile u8 *facs)
{
	return *(const volatile u64 *)(facs + WIDE_VECTOR);
}

const char *facs_read(const struct acpi_sleep *sleep, struct facs_vectors *v)
{
	v->vector = 0;
	for (uint i = 0; i < sleep->facs_count; i++) {
		u32 vector = vector_of(sleep->facs[i]);

		if (wide_vector_of(sleep->facs[i]))
			return "it wants to wake in another mode than real "
			       "mode";
		if (vector && v->vector && vector != v->vector)
			return "it has left two different waking vectors";
		v->each[i] = vector;
		v->vector = vector ? vector : v->vector;
	}
	if (!v->vector)
		return "it has left no waking vector";
	if (v->vector >= REAL_MODE_END)
		return "its waking vector is not below 1 MiB";
	return NULL;
}

static void write_vector(const struct acpi_sleep *sleep, uint i, u32 vector)
{
	window_write(PHYS(sleep->facs_phys[i] + VECTOR), &vector,
		     sizeof(vector));
}

int facs_point_to(const struct acpi_sleep *sleep, u32 vector)
{
	int error = 0;

	for (uint i = 0; i < sleep->facs_count; i++) {
		write_vector(sleep, i, vector);
		if (vector_of(sleep->facs[i]) != vector ||
		    wide_vector_of(sleep->facs[i]))
			error = -EINVAL;
	}
	return error;
}

void facs_put_back(const struct acpi_sleep *sleep, const struct facs_vectors *v)
{
	for (uint i = 0; i < sleep->facs_count; i++)
		write_vector(sleep, i, v->each[i]);
}

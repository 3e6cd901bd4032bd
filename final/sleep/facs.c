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
 *
 * It may look for it anew when the machine wakes, by the tables that lead there
 * (SeaBIOS does), and they are in the guest's memory. So their bytes are kept,
 * and compared before each sleep, when no CPU can write them; an IOMMU keeps
 * devices off. Not with UEFI: it goes on to change its tables after us, and
 * keeps the FACS' address elsewhere.
 * Book: chapter 9.
 */
#include "sleep/facs.h"

#include "boot/boot_info.h"
#include "iommu/iommu.h"
#include "lib/errno.h"
#include "vmm/window.h"

#define VECTOR      12
#define WIDE_VECTOR 24

#define REAL_MODE_END MIB
#define LOW_END       (640 * KIB)

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

/* Pieces of tables that the way leads through, and what was in them. */
#define PIECES_MOST 64
#define BYTES_MOST  8192

static struct way {
	struct {
		const u8 *at;
		u64 phys;
		u32 size;
	} piece[PIECES_MOST];
	uint count;
	u32 bytes;
	bool overflows;
	u8 copy[BYTES_MOST];
} way;

/* An acpi_map_fn: what is looked at is on the way. */
static const void *map_on_way(u64 phys, u64 size)
{
	const u8 *at = acpi_map(phys, size);

	if (!at)
		return NULL;
	for (uint i = 0; i < way.count; i++)
		if (way.piece[i].phys == phys && way.piece[i].size == size)
			return at;
	if (way.count == PIECES_MOST || way.bytes + size > BYTES_MOST) {
		way.overflows = true;
		return at;
	}
	way.piece[way.count].at = at;
	way.piece[way.count].phys = phys;
	way.piece[way.count++].size = size;
	memcpy(way.copy + way.bytes, at, size);
	way.bytes += size;
	return at;
}

static bool is_facs(const struct acpi_sleep *sleep, u64 phys)
{
	for (uint i = 0; i < sleep->facs_count; i++)
		if (sleep->facs_phys[i] == phys)
			return true;
	return false;
}

bool facs_note_way(const struct acpi_sleep *sleep)
{
	struct acpi_sleep again;
	struct acpi_root root;
	u64 rsdp = acpi_root_pointer();

	way.count = way.bytes = way.overflows = 0;
	if (boot_info.firmware == BOOT_UEFI)
		return true;
	if (!rsdp || acpi_read_root(map_on_way, rsdp, &root))
		return false;
	sleep_read(map_on_way, &root, &chipset_bus, &again);
	for (uint i = 0; i < way.count; i++) /* its vectors change */
		if (is_facs(sleep, way.piece[i].phys))
			way.piece[i].at = NULL;
	return !way.overflows && again.facs_count == sleep->facs_count;
}

bool facs_way_is_same(void)
{
	const u8 *copy = way.copy;

	for (uint i = 0; i < way.count; copy += way.piece[i++].size)
		if (way.piece[i].at &&
		    memcmp(way.piece[i].at, copy, way.piece[i].size))
			return false;
	return true;
}

void facs_close(const struct acpi_sleep *sleep)
{
	for (uint i = 0; CONFIG_IOMMU && i < sleep->facs_count; i++)
		iommu_close(sleep->facs_phys[i], FACS_SIZE);
	for (uint i = 0; CONFIG_IOMMU && i < way.count; i++)
		if (way.piece[i].phys >= LOW_END)
			iommu_close(way.piece[i].phys, way.piece[i].size);
}

void facs_put_back(const struct acpi_sleep *sleep, const struct facs_vectors *v)
{
	for (uint i = 0; i < sleep->facs_count; i++)
		write_vector(sleep, i, v->each[i]);
}

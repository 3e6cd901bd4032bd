/*
 * Fuzz target: ACPI tables. The input is all of physical memory. Each map()
 * hands out a copy of exactly the bytes that were asked for, so that the
 * address sanitizer sees a read past them. Checksums would keep nearly every
 * input out, so the first byte says which tables are sealed with a good one.
 */
#include "boot/boot_info.h"
#include "fuzz.h"
#include "paging/address.h"
#include "paging/paging.h"
#include "sleep/states.h"
#include "vmm/vcpu.h"

#define MEMORY 1024
#define COPIES 4096

/* What the machine's own map would need; nothing here asks it. */
struct boot_info boot_info;
bool space_entered;

void *map_phys(phys_t phys, u64 size, enum map_flags flags)
{
	return NULL;
}

const struct vcpu_ops *vcpu_ops;

struct vcpu *vcpu_current(void)
{
	return NULL;
}

static u8 memory[MEMORY];
static void *copies[COPIES];
static uint copy_count;

static const void *map(u64 phys, u64 size)
{
	u8 *copy;

	if (phys > MEMORY || size > MEMORY - phys || copy_count == COPIES)
		return NULL;
	copy = malloc(size);
	require(copy);
	memcpy(copy, memory + phys, size);
	copies[copy_count++] = copy;
	return copy;
}

/* Make the @size bytes at @at add up to 0, by their byte @sum_at. */
static void seal(u32 at, u32 size, u32 sum_at)
{
	u8 sum = 0;

	if (at > MEMORY || size > MEMORY - at || sum_at >= size)
		return;
	for (u32 i = 0; i < size; i++)
		sum += memory[at + i];
	memory[at + sum_at] -= sum;
}

static void seal_tables(u32 which)
{
	if (which & 1)
		seal(0, 20, 8);
	if (which & 2)
		seal(0, 36, 32);
	for (u32 i = 1; i < 8; i++) { /* tables at multiples of 128 bytes */
		u32 at = i * 128;

		if (which & 4)
			seal(at, acpi_get32(memory + at + 4), 9);
	}
}

static u32 no_pci(uint function, uint reg)
{
	return ~0U;
}

static void read_sleep(const struct acpi_root *root)
{
	const struct chipset_bus bus = {no_pci, NULL};
	struct acpi_sleep sleep;

	sleep_read(map, root, &bus, &sleep);
	sleep_read_names(map, root, &sleep);
	require(sleep.control.count <= SLEEP_PORTS);
	for (uint i = 0; i < sleep.facs_count; i++)
		sleep_has_waking_vector(sleep.facs[i]);
	for (uint byte = 0; byte < 256; byte++)
		if (sleep_is_escape(&sleep, byte & 1, byte, byte & 2))
			require(byte & ACPI_SLP_EN);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	u32 which = fuzz_byte(&in);
	struct acpi_root root;
	struct acpi_table table;
	size_t left = MIN((size_t)(in.end - in.at), (size_t)MEMORY);
	int at;

	memset(memory, 0, sizeof(memory));
	memcpy(memory, in.at, left);
	seal_tables(which);
	at = acpi_scan(memory, sizeof(memory), which & 8);
	require(at < 0 || at % 16 == 0);
	if (at >= 0 && !acpi_read_root(map, at, &root)) {
		if (!acpi_find(map, &root, "FACP", &table))
			require(table.size >= ACPI_HEADER_SIZE);
		read_sleep(&root);
	}
	fuzz_operations++;
	while (copy_count)
		libc_free(copies[--copy_count]);
	return 0;
}

/*
 * Reads and writes Vellum's own memory. Nothing may break, and nothing may be
 * seen there but blank pages or what this guest has written itself.
 */
#include "guest/test/metal/guest.h"

#define MULTIBOOT_MAGIC 0x1badb002
#define OURS            0x6f7572736f757273UL /* "oursours" */
#define ROUNDS          3
#define PAGES           32 /* at each place */

static bool is_ours(u64 value)
{
	return (value ^ OURS) < 256;
}

/* Look at a whole page; the number of words that are neither blank nor ours. */
static uint strange_words(volatile u64 *page)
{
	uint strange = 0;

	for (uint i = 0; i < 512; i++) {
		u64 value = page[i];

		if (value && ~value && !is_ours(value))
			strange++;
	}
	return strange;
}

static void touch(u64 base, uint round)
{
	uint strange = 0;

	for (uint i = 0; i < PAGES; i++) {
		volatile u64 *page = (u64 *)(base + i * PAGE_SIZE);

		strange += strange_words(page);
		for (uint k = 0; k < 512; k += 7)
			page[k] = OURS ^ round;
		*(volatile u8 *)page = (u8)OURS;
		strange += strange_words(page);
	}
	check(!strange, "%u words at 0x%lx are not ours", strange, base);
}

/* The first words of each page; Vellum's header is at the start of one. */
static void look_for_vellum(u64 base, u64 size)
{
	uint found = 0, strange = 0;

	for (u64 at = base; at < base + size; at += PAGE_SIZE) {
		volatile u32 *page = (u32 *)at;
		volatile u64 *words = (u64 *)at;

		for (uint i = 0; i < 16; i++)
			found += page[i] == MULTIBOOT_MAGIC;
		strange += words[0] && ~words[0] && !is_ours(words[0]);
	}
	check(!found, "Vellum's Multiboot header can be read");
	check(!strange, "%u of %lu pages are not blank", strange,
	      size / PAGE_SIZE);
}

static void call(void *address)
{
	((void (*)(void))address)();
}

/* Not even what the guest wrote there can be executed. */
static void execute(u64 base)
{
	int vector;

	*(volatile u8 *)base = 0xc3; /* RET */
	vector = try(call, (void *)base);
	check(vector == VECTOR_GP, "a call to 0x%lx: vector %d", base, vector);
	*(volatile u8 *)base = (u8)OURS;
}

GUEST_TEST(hidden)
{
	u64 base, size;

	if (!find_hidden(&base, &size)) {
		check(!below(), "no reserved range can be Vellum's");
		return;
	}
	look_for_vellum(base, size);
	for (uint round = 0; round < ROUNDS; round++) {
		touch(base, round);
		touch(base + ALIGN_DOWN(size / 2, PAGE_SIZE), round);
		touch(base + size - PAGES * PAGE_SIZE, round);
	}
	execute(base);
	look_for_vellum(base, size);
	say("read and wrote 0x%lx-0x%lx", base, base + size);
}

/*
 * The guest of `make run STAGE=05-vmx-ept`: shows what a guest sees of Vellum.
 * Nothing, but for a hole in memory, a CPUID leaf, and an instruction.
 */
#include "guest/test/metal/guest.h"

#include "lib/errno.h"
#include "lib/string.h"

static void show_memory(void)
{
	const struct e820 *map;
	uint count = e820_map(&map);

	for (uint i = 0; i < count; i++)
		say("E820 %012lx-%012lx type %u", map[i].base,
		    map[i].base + map[i].size - 1, map[i].type);
}

static void show_vellum(void)
{
	static const char *const names[] = {"", "VMX", "SVM"};
	u64 base, size;

	if (!below()) {
		say("no Vellum below: CPUID leaf 0x40000000 does not say so");
		return;
	}
	say("CPUID leaf 0x40000000: VellumVellum, by %s",
	    names[below() == BELOW_SVM ? 2 : 1]);
	if (!check(find_hidden(&base, &size), "no reserved range"))
		return;
	say("byte at 0x%lx, hidden: 0x%02x", base, *(volatile u8 *)base);
	*(volatile u8 *)base = 0x55;
	say("... after writing 0x55 to it: 0x%02x (a scratch page, not Vellum)",
	    *(volatile u8 *)base);
}

static void show_exits(void)
{
	struct hypercall h;
	u64 name[3] = {0};

	if (!hypercall(&h, HYPERCALL_INFO, 0)) {
		say("hypercalls: not allowed (#UD)");
		return;
	}
	check(h.rax == 0 && h.rbx == 1 && h.rdx == below(),
	      "hypercall INFO: 0x%lx, ABI %lu, back end %lu", h.rax, h.rbx,
	      h.rdx);
	say("%lu TSC cycles since the launch, %lu of them in Vellum", h.rdi,
	    h.r8);
	for (u64 i = 0; hypercall(&h, HYPERCALL_STATS, i) && !h.rax; i++) {
		memcpy(&name[0], &h.rsi, 8);
		memcpy(&name[1], &h.rdi, 8);
		if (h.rbx)
			say("exits: %-16s %6lu, %lu cycles", (char *)name,
			    h.rbx, h.rdx);
	}
	check((s64)h.rax == -ENOENT, "hypercall STATS ends with 0x%lx", h.rax);
	check(hypercall(&h, HYPERCALL_FREE, 0) && !h.rax && h.rdx < h.rbx,
	      "hypercall FREE: 0x%lx, %lu of %lu", h.rax, h.rdx, h.rbx);
	say("Vellum has %lu of %lu pages left", h.rdx, h.rbx);
}

GUEST_TEST(demo)
{
	say("hello from long mode; the BIOS booted drive 0x%02x", boot_drive());
	show_memory();
	show_vellum();
	if (below())
		show_exits();
}

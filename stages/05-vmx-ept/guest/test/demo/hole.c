/*
 * The second page table: a guest looks at Vellum's range, which its own page
 * tables map like all memory, and which the nested ones do not.
 */
#include "guest/test/metal/guest.h"

#define RET 0xc3

static void call(void *address)
{
	((void (*)(void))address)();
}

static u8 look(u64 address)
{
	s64 before = count_exits();
	u8 value = *(volatile u8 *)address;

	say_exits(before, "read  0x%08lx: 0x%02x", address, value);
	return value;
}

static void write(u64 address, u8 value)
{
	s64 before = count_exits();

	*(volatile u8 *)address = value;
	say_exits(before, "write 0x%08lx: 0x%02x", address, value);
}

GUEST_TEST(hole)
{
	u64 base, size, half;
	s64 before;
	int vector;

	if (!find_hidden(&base, &size)) {
		check(!below(), "no reserved range can be Vellum's");
		say("no reserved range: this is the whole machine");
		return;
	}
	half = base + size / 2;
	say("0x%lx-0x%lx is reserved, says E820", base, base + size - 1);
	say("the page below is memory:");
	write(base - PAGE_SIZE, RET);
	check(look(base - PAGE_SIZE) == RET, "the memory below does not hold");
	call((void *)(base - PAGE_SIZE));
	say("in the range all pages look blank, until they are written to:");
	look(base);
	write(base, 0x55);
	check(look(base) == 0x55, "what was written is lost");
	look(half);
	say("those that were are one page, and not Vellum's:");
	write(half, RET);
	check(look(base) == RET, "not the same page");
	say("nothing can be executed there:");
	before = count_exits();
	vector = try(call, (void *)base);
	say_exits(before, "call  0x%08lx: %s", base, fault_name(vector));
	check(vector == VECTOR_GP, "the call: %s", fault_name(vector));
}

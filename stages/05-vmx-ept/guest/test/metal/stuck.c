/*
 * Fetches from Vellum's range, which is refused by #GP, with a handler for #GP
 * that lies there, too. The guest can never get on, and no interrupt gets in.
 */
#include "guest/test/metal/guest.h"

#define STACK (8 * MIB) /* below it room for some thousand frames */

GUEST_TEST(stuck)
{
	u64 base, size, *gate;
	struct {
		u16 limit;
		u64 base;
	} __packed idt;

	if (!find_hidden(&base, &size)) {
		check(!below(), "no reserved range can be Vellum's");
		return;
	}
	asm volatile("sidt %0" : "=m"(idt));
	gate = (u64 *)(idt.base + 16 * VECTOR_GP);
	gate[0] = (gate[0] & 0xffffffff0000) | (base & 0xffff) |
		  (base >> 16 & 0xffff) << 48;
	gate[1] = base >> 32;
	say("now");
	asm volatile("mov %0, %%rsp; jmp *%1" : : "r"(STACK), "r"(base));
}

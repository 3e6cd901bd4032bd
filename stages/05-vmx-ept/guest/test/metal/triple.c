/*
 * A triple fault must reset the machine, under Vellum as without it. A byte of
 * the CMOS RAM, which a reset does not touch, tells the two boots apart.
 */
#include "guest/test/metal/guest.h"

#define CMOS_INDEX   0x70
#define CMOS_DATA    0x71
#define CMOS_SCRATCH 0x6e /* used by neither BIOS, and in no checksum */
#define MARK         0x33

static u8 cmos_read(u8 index)
{
	outb(CMOS_INDEX, index);
	return inb(CMOS_DATA);
}

static void cmos_write(u8 index, u8 value)
{
	outb(CMOS_INDEX, index);
	outb(CMOS_DATA, value);
}

GUEST_TEST(triple)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt = {0, 0};

	if (cmos_read(CMOS_SCRATCH) == MARK) {
		cmos_write(CMOS_SCRATCH, 0);
		say("after reset");
		return;
	}
	cmos_write(CMOS_SCRATCH, MARK);
	say("now");
	asm volatile("lidt %0; ud2" : : "m"(no_idt));
}

/*
 * The first guest to look at: few instructions, and how many VM exits each of
 * them cost. Only two come to Vellum at all, and the second is the end.
 */
#include "guest/test/metal/guest.h"

#include "lib/string.h"

#define CMOS_INDEX   0x70
#define CMOS_DATA    0x71
#define CMOS_SECONDS 0

static void show_cpuid(void)
{
	s64 before = count_exits();
	char name[13] = "";
	struct cpuid_regs r = cpuid(CPUID_VELLUM, 0);

	memcpy(name, &r.ebx, 4);
	memcpy(name + 4, &r.ecx, 4);
	memcpy(name + 8, &r.edx, 4);
	for (uint i = 0; i < 12; i++)
		if (name[i] < ' ' || name[i] > '~')
			name[i] = '.';
	say_exits(before, "CPUID: leaf 0x40000000 says \"%s\"", name);
	check(!below() || count_exits() < 0 || count_exits() == before + 1,
	      "CPUID: not one exit");
}

static volatile uint ticks;

static void on_timer(struct frame *frame)
{
	ticks++;
	pic_end_irq();
}

static void show_hlt(void)
{
	s64 before;

	set_handler(IRQ0, on_timer);
	pic_init(BIT(0));
	before = count_exits();
	asm volatile("sti; hlt; cli" : : : "memory");
	say_exits(before, "HLT: asleep, until the timer's interrupt came");
	check(ticks, "HLT: nothing woke us");
	check(count_exits() == before, "HLT: exits");
}

static void show_port(void)
{
	s64 before = count_exits();
	u8 seconds;

	outb(CMOS_INDEX, CMOS_SECONDS);
	seconds = inb(CMOS_DATA);
	say_exits(before, "OUT, IN: the clock's seconds: %02x", seconds);
	check(count_exits() == before, "OUT, IN: exits");
}

/* An exception without a table to find its handler in, nor that of the double
 * fault that follows: the CPU shuts down, and a PC resets it. */
static void triple_fault(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt = {0, 0};

	say("UD2 without an interrupt table: a triple fault");
	asm volatile("lidt %0; ud2" : : "m"(no_idt));
}

GUEST_TEST(first)
{
	show_cpuid();
	show_hlt();
	show_port();
	say("press t for a triple fault, or another key to power off");
	if (read_key() == 't')
		triple_fault();
}

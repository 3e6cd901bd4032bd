/*
 * All modes of the CPU, from real mode to long mode and back, interrupts in two
 * of them, and a single step over an instruction that exits.
 */
#include "guest/test/metal/guest.h"

#include "guest/test/metal/layout.h"

extern void leave_long_mode(void (*real_code)(void));
extern void modes_tour(void);
extern u32 tour_vendor[], tour_far[];
extern u16 tour_msw[], tour_ticks;

#define FAR_PLACE ((volatile u32 *)0x1000000)
#define FAR_VALUE 0x51ee0001

#define PIC1    0x20
#define PIC2    0xa0
#define PIC_EOI 0x20

static void prepare_tables(void)
{
	u32 *directory = (u32 *)SPARE_TABLES;
	u64 *pdpt = (u64 *)(SPARE_TABLES + 0x1000);

	for (u32 i = 0; i < 1024; i++)
		directory[i] = i << 22 | 0x83; /* 4 MiB, writable */
	for (uint i = 0; i < 4; i++)
		pdpt[i] = PAGE_TABLE_2 + i * PAGE_SIZE + 1;
}

static void take_tour(void)
{
	static const char *const modes[] = {
		"real mode",       "16-bit protected mode",
		"32-bit mode",     "32-bit paging",
		"PAE paging",      "real mode with large limits",
		"real mode again",
	};
	u32 vendor = cpuid(0, 0).ebx;

	*FAR_PLACE = FAR_VALUE;
	prepare_tables();
	leave_long_mode(modes_tour);
	for (uint i = 0; i < ARRAY_SIZE(modes); i++)
		if (check(tour_vendor[i] == vendor, "%s: CPUID gave 0x%x",
			  modes[i], tour_vendor[i]))
			say("%s: CPUID works", modes[i]);
	check(tour_far[0] == FAR_VALUE && tour_far[1] == FAR_VALUE,
	      "16 MiB: read 0x%x 0x%x", tour_far[0], tour_far[1]);
	check(tour_msw[0] & CR0_TS && !(tour_msw[1] & CR0_TS) &&
		      tour_msw[2] & CR0_TS,
	      "CLTS, LMSW: 0x%x 0x%x 0x%x", tour_msw[0], tour_msw[1],
	      tour_msw[2]);
	check(tour_ticks == 4, "real mode: %u of 4 ticks", tour_ticks);
}

static void bios_still_works(void)
{
	struct real_regs r = {.eax = 0x8800};

	bios_call(0x15, &r);
	check(!(r.flags & FLAGS_CF) && (r.eax & 0xffff),
	      "INT 15h AH=88: EAX 0x%x flags 0x%x", r.eax, r.flags);
}

static volatile uint ticks;

static void on_tick(struct frame *frame)
{
	ticks++;
	outb(PIC1, PIC_EOI);
}

/* Tell a pair of 8259A where its vectors are (8259A data sheet, ICW1-4). */
static void set_pic_vectors(u8 first, u8 second)
{
	u8 mask1 = inb(PIC1 + 1), mask2 = inb(PIC2 + 1);

	outb(PIC1, 0x11);
	outb(PIC2, 0x11);
	outb(PIC1 + 1, first);
	outb(PIC2 + 1, second);
	outb(PIC1 + 1, 4);
	outb(PIC2 + 1, 2);
	outb(PIC1 + 1, 1);
	outb(PIC2 + 1, 1);
	outb(PIC1 + 1, mask1);
	outb(PIC2 + 1, mask2);
}

static void halt_until_ticks(void)
{
	u8 mask1 = inb(PIC1 + 1), mask2 = inb(PIC2 + 1);

	set_pic_vectors(IRQ0, IRQ0 + 8);
	outb(PIC1 + 1, 0xfe); /* only the timer */
	outb(PIC2 + 1, 0xff);
	set_handler(IRQ0, on_tick);
	while (ticks < 4)
		asm volatile("sti; hlt; cli" : : : "memory");
	set_handler(IRQ0, NULL);
	outb(PIC1 + 1, mask1);
	outb(PIC2 + 1, mask2);
	set_pic_vectors(8, 0x70);
	say("HLT: woken by %u ticks in long mode", ticks);
}

static volatile u64 step_rip;
extern const char after_cpuid[];

static void on_step(struct frame *frame)
{
	step_rip = frame->rip;
	frame->rflags &= ~RFLAGS_TF;
}

/* With TF set by POPF, the instruction after it runs, and then traps. */
static void single_step(void)
{
	u32 a = 0, b, c = 0, d;

	set_handler(VECTOR_DB, on_step);
	asm volatile("pushfq\n\t"
		     "orq $0x100, (%%rsp)\n\t"
		     "popfq\n\t"
		     "cpuid\n"
		     ".globl after_cpuid\n"
		     "after_cpuid:\n\t"
		     "nop\n\t"
		     "nop\n\t"
		     "nop"
		     : "+a"(a), "=b"(b), "+c"(c), "=d"(d)
		     :
		     : "memory", "cc");
	set_handler(VECTOR_DB, NULL);
	if (check(step_rip == (u64)after_cpuid,
		  "single step over CPUID: trap at 0x%lx, not 0x%lx", step_rip,
		  (u64)after_cpuid))
		say("single step: trap right after CPUID");
}

GUEST_TEST(modes)
{
	take_tour();
	bios_still_works();
	halt_until_ticks();
	single_step();
}

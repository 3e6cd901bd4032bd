/*
 * What test guests know about a PC: BIOS calls, the memory map, MSRs, power.
 */
#include "guest/test/metal/guest.h"

#include "lib/string.h"

extern struct real_regs real_regs;
extern u16 real_vector;
extern void leave_long_mode(void (*real_code)(void));
extern void real_int(void);

#define SMAP 0x534d4150

#define RESERVED_LEAST (128 * MIB)
#define RESERVED_ALIGN (4 * MIB)

void bios_call(uint vector, struct real_regs *regs)
{
	real_regs = *regs;
	real_vector = vector;
	leave_long_mode(real_int);
	*regs = real_regs;
}

uint e820_map(const struct e820 **map)
{
	static struct e820 entries[E820_MAX];
	static uint count;
	struct real_regs r = {0};

	*map = entries;
	if (count)
		return count;
	do {
		r.eax = 0xe820;
		r.ecx = sizeof(struct e820);
		r.edx = SMAP;
		r.edi = (u32)(u64)low_buffer;
		bios_call(0x15, &r);
		if (r.flags & FLAGS_CF || r.eax != SMAP)
			break;
		memcpy(&entries[count++], low_buffer, sizeof(struct e820));
	} while (r.ebx && count < E820_MAX);
	return count;
}

/* PCI's configuration space is reserved, and as large; it begins with the host
 * bridge, as the ports show it. */
static bool is_ecam(u64 base)
{
	outl(0xcf8, BIT(31));
	return *(volatile u32 *)base == inl(0xcfc);
}

bool find_hidden(u64 *base, u64 *size)
{
	const struct e820 *map;
	uint count = e820_map(&map);

	*size = 0;
	for (uint i = 0; i < count; i++) {
		const struct e820 *e = &map[i];

		if (e->type == 2 && e->size >= RESERVED_LEAST &&
		    e->base % RESERVED_ALIGN == 0 &&
		    e->base + e->size <= 4 * GIB && e->size > *size &&
		    !is_ecam(e->base)) {
			*base = e->base;
			*size = e->size;
		}
	}
	return *size;
}

struct msr_access {
	u32 msr;
	u64 value;
};

static void do_rdmsr(void *arg)
{
	struct msr_access *a = arg;

	a->value = rdmsr(a->msr);
}

static void do_wrmsr(void *arg)
{
	struct msr_access *a = arg;

	wrmsr(a->msr, a->value);
}

int try_rdmsr(u32 msr, u64 *value)
{
	struct msr_access a = {msr, 0};
	int vector = try(do_rdmsr, &a);

	*value = a.value;
	return vector;
}

int try_wrmsr(u32 msr, u64 value)
{
	struct msr_access a = {msr, value};

	return try(do_wrmsr, &a);
}

struct xcr {
	u32 index;
	u64 value;
};

static void do_xsetbv(void *arg)
{
	struct xcr *x = arg;

	asm volatile("xsetbv"
		     :
		     : "c"(x->index), "a"((u32)x->value),
		       "d"((u32)(x->value >> 32)));
}

int try_xsetbv(u32 index, u64 value)
{
	struct xcr x = {index, value};

	return try(do_xsetbv, &x);
}

static u32 pci_read(uint device, uint function, uint offset)
{
	outl(0xcf8, 0x80000000 | device << 11 | function << 8 | offset);
	return inl(0xcfc);
}

#define PIIX4_PM   0x71138086 /* the chip that QEMU and Bochs emulate */
#define PIIX4_PMBA 0x40       /* its power management ports begin there */
#define PM1_CNT    4
#define SLP_EN     0x2000 /* with sleep type 0: soft off */

#define COM1_LSR 0x3fd
#define LSR_TEMT 0x40 /* all has been sent */

u16 sleep_port(void)
{
	for (uint device = 0; device < 8; device++)
		for (uint function = 0; function < 8; function++)
			if (pci_read(device, function, 0) == PIIX4_PM)
				return (pci_read(device, function, PIIX4_PMBA) &
					0xffc0) +
				       PM1_CNT;
	return 0;
}

/* Does nothing on machines with another chip. */
void power_off(void)
{
	u16 port = sleep_port();

	while (!(inb(COM1_LSR) & LSR_TEMT))
		cpu_pause();
	if (port)
		outw(port, SLP_EN);
}

#define PIC_COMMAND(n) ((n) ? 0xa0 : 0x20)
#define PIC_DATA(n)    ((n) ? 0xa1 : 0x21)
#define PIC_END        0x20

/* Four words for each of the two: begin, vectors, the line that joins them,
 * 8086 mode (Intel 8259A data sheet). */
void pic_init(u16 wanted)
{
	for (uint n = 0; n < 2; n++) {
		outb(PIC_COMMAND(n), 0x11);
		outb(PIC_DATA(n), IRQ0 + 8 * n);
		outb(PIC_DATA(n), n ? 2 : BIT(2));
		outb(PIC_DATA(n), 1);
		outb(PIC_DATA(n), ~(wanted >> 8 * n));
	}
}

/* Of the first of the two. */
void pic_end_irq(void)
{
	outb(PIC_COMMAND(0), PIC_END);
}

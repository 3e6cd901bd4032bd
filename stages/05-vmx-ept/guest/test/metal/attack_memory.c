/*
 * The attack guest's attempts on Vellum's memory, by each way in which a CPU
 * uses an address: data, code, page tables, descriptor tables, a stack.
 *
 * A page of Vellum's own keeps what is written to it. The scratch page, which
 * the guest finds instead, is at all addresses at once. So two pages tell.
 */
#include "guest/test/metal/attack.h"
#include "guest/test/metal/layout.h"
#include "lib/string.h"

#define RET     0xc3
#define WINDOW  (4 * GIB) /* where the guest's page tables map nothing yet */
#define PTE_P_W 3UL

/* E820 says what is not to be used; else a guest would use it. */
static enum verdict look_at_map(const struct attack *a)
{
	const struct e820 *map;
	uint count = e820_map(&map);
	u64 base, size;

	if (!find_hidden(&base, &size))
		return ESCAPED;
	for (uint i = 0; i < count; i++)
		if (map[i].type == 1 && map[i].base < base + size &&
		    map[i].base + map[i].size > base)
			return ESCAPED;
	note("0x%lx-0x%lx is reserved", base, base + size - 1);
	return REFUSED;
}

/* Is nothing but zeros, or ones, to be read at the start of the page there? */
static bool is_blank(u64 at)
{
	const volatile u64 *page = (u64 *)at;

	for (uint i = 0; i < 16; i++)
		if (page[i] && ~page[i])
			return false;
	return true;
}

static enum verdict read_all(const struct attack *a)
{
	u64 base, size;

	if (!find_hidden(&base, &size))
		return ESCAPED;
	for (u64 at = base; at < base + size; at += PAGE_SIZE)
		if (!is_blank(at)) {
			note("0x%lx holds 0x%lx", at, *(volatile u64 *)at);
			return ESCAPED;
		}
	note("%lu blank pages", size / PAGE_SIZE);
	return REFUSED;
}

/* Are these two pages two? */
static bool are_real(volatile u64 *one, volatile u64 *other)
{
	u64 kept[2] = {*one, *other};
	bool real;

	*one = 0x6f6e65;
	*other = 0x6f74686572;
	real = *one == 0x6f6e65;
	*one = kept[0];
	*other = kept[1];
	return real;
}

static enum verdict write_to_it(const struct attack *a)
{
	u64 base, size;

	if (!find_hidden(&base, &size))
		return ESCAPED;
	if (are_real((u64 *)hidden_page(0), (u64 *)hidden_page(1)) ||
	    are_real((u64 *)(base + size - PAGE_SIZE), (u64 *)hidden_page(1)))
		return ESCAPED;
	return REFUSED;
}

/* Whole pages below 640 KiB that are reserved: the one in which other CPUs
 * start, from stage 06 on. The BIOS's own data area is above. */
static enum verdict write_below_1m(const struct attack *a)
{
	const struct e820 *map;
	uint count = e820_map(&map), pages = 0;
	u64 bios = (u64)bda_word(0x40e) << 4;

	for (uint i = 0; i < count; i++) {
		u64 at = ALIGN_UP(map[i].base, PAGE_SIZE);

		if (map[i].type != 2)
			continue;
		for (; at + PAGE_SIZE <= MIN(map[i].base + map[i].size, bios);
		     at += PAGE_SIZE, pages++)
			if (are_real((u64 *)at, (u64 *)hidden_page(1)))
				return ESCAPED;
	}
	note("%u page%s", pages, pages == 1 ? "" : "s");
	return REFUSED;
}

static enum verdict write_locked(const struct attack *a)
{
	u64 *at = (u64 *)hidden_page(2), *other = (u64 *)hidden_page(3);
	u64 before = *at;

	asm volatile("lock xaddq %1, %0" : "+m"(*at) : "r"(1UL) : "memory");
	*other = before;
	if (*(volatile u64 *)at != before) {
		*at = before;
		return ESCAPED;
	}
	return REFUSED;
}

static void call(void *address)
{
	((void (*)(void))address)();
}

static enum verdict execute(const struct attack *a)
{
	u8 *code = (u8 *)hidden_page(0), before = *code;
	int vector;

	*code = RET;
	vector = try(call, code);
	*code = before;
	note("%s", fault_name(vector));
	return vector == NO_FAULT ? ESCAPED : REFUSED;
}

static void read_window(void *value)
{
	*(u64 *)value = *(volatile u64 *)WINDOW;
}

/* Map WINDOW by a page table at @table; what is read there, in *@value. */
static int walk_through(u64 table, u64 *value)
{
	u64 *pdpt = (u64 *)PAGE_TABLE_3, *pd = (u64 *)SPARE_TABLES;
	int vector;

	memset(pd, 0, PAGE_SIZE);
	pd[0] = table | PTE_P_W;
	pdpt[WINDOW / GIB] = SPARE_TABLES | PTE_P_W;
	write_cr3(read_cr3());
	vector = try(read_window, value);
	pdpt[WINDOW / GIB] = 0;
	write_cr3(read_cr3());
	return vector;
}

/*
 * The CPU itself reads page tables, and writes accessed bits. Two tables in
 * Vellum's range show one page or the other: were they two, the first would.
 */
static enum verdict put_page_table_there(const struct attack *a)
{
	static u64 pages[2][512] __aligned(PAGE_SIZE);
	u64 *one = (u64 *)hidden_page(4), *other = (u64 *)hidden_page(5);
	u64 kept[2] = {*one, *other}, value = 0;
	int vector;

	pages[0][0] = 1;
	pages[1][0] = 2;
	*one = (u64)pages[0] | PTE_P_W;
	*other = (u64)pages[1] | PTE_P_W;
	vector = walk_through((u64)one, &value);
	*one = kept[0];
	*other = kept[1];
	note("%s", vector == NO_FAULT ? "through the scratch page"
				      : fault_name(vector));
	return vector == NO_FAULT && value == 1 ? ESCAPED : REFUSED;
}

static volatile uint traps;

static void count_trap(struct frame *frame)
{
	traps++;
}

/* GDT, IDT and stack on one page of the range. */
static enum verdict put_tables_there(const struct attack *a)
{
	struct {
		u16 limit;
		u64 base;
	} __packed gdt, idt, new_gdt, new_idt;
	u64 page = hidden_page(7);

	asm volatile("sgdt %0; sidt %1" : "=m"(gdt), "=m"(idt));
	memcpy((void *)page, (void *)gdt.base, gdt.limit + 1);
	memcpy((void *)(page + 0x400), (void *)idt.base, idt.limit + 1);
	new_gdt = gdt;
	new_gdt.base = page;
	new_idt = idt;
	new_idt.base = page + 0x400;
	traps = 0;
	set_handler(VECTOR_BP, count_trap);
	asm volatile("lgdt %0\n\t"
		     "lidt %1\n\t"
		     "mov %%rsp, %%rbx\n\t"
		     "mov %4, %%rsp\n\t"
		     "mov %5, %%ds\n\t"
		     "int3\n\t"
		     "mov %%rbx, %%rsp\n\t"
		     "lidt %3\n\t"
		     "lgdt %2"
		     :
		     : "m"(new_gdt), "m"(new_idt), "m"(gdt), "m"(idt),
		       "r"(page + PAGE_SIZE), "r"(SEL_DATA)
		     : "rbx", "memory");
	set_handler(VECTOR_BP, NULL);
	note("%u of 1 trap came", traps);
	return are_real((u64 *)page, (u64 *)hidden_page(8)) ? ESCAPED : REFUSED;
}

/* Beyond all memory, where nothing answers. */
static enum verdict reach_beyond(const struct attack *a)
{
	static const u64 far[] = {64 * GIB, 512 * GIB - PAGE_SIZE};
	static u64 table[512] __aligned(PAGE_SIZE);
	u64 value = 0;
	int vector = NO_FAULT;

	for (uint i = 0; i < ARRAY_SIZE(far); i++) {
		table[0] = far[i] | PTE_P_W;
		vector = walk_through((u64)table, &value);
		if (vector == NO_FAULT && value && ~value)
			return ESCAPED;
	}
	note("%s",
	     vector == NO_FAULT ? "nothing is there" : fault_name(vector));
	return vector == VECTOR_GP ? REFUSED : AS_ON_HARDWARE;
}

ATTACKS = {
	{"the memory map", look_at_map, SHOWN_BY("05-attack-map")},
	{"read Vellum's range", read_all, SHOWN_BY("05-attack-hole")},
	{"write to it", write_to_it, SHOWN_BY("05-attack-hole")},
	{"write to start-up code below 1 MiB", write_below_1m,
	 SHOWN_BY("06-attack-low")},
	{"LOCK XADD in it", write_locked, SHOWN_BY("05-attack-hole")},
	{"code in it", execute, SHOWN_BY("05-attack-execute")},
	{"a page table in it", put_page_table_there,
	 SHOWN_BY("05-attack-hole")},
	{"GDT, IDT and stack in it", put_tables_there,
	 SHOWN_BY("05-attack-hole")},
	{"memory beyond all memory", reach_beyond,
	 TESTED_BY("vmm-nested-fault")},
};

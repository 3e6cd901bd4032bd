/*
 * The trampoline's page, and who may come up by it.
 *
 *	below 1 MiB, hidden from the guest:     in our own range:
 *	+--------------------------------+      page tables: our own, and that
 *	| struct trampoline, GDT | code  | ---> one page mapped to itself
 *	+--------------------------------+      smp_arrive
 *
 * All of it is there for good. A CPU may come at any time: late, called by the
 * guest, or by a fault of the firmware. Whenever it does, what it executes is
 * ours, and it ends in a stack that was laid ready for it, or parked.
 * Book: chapter 6, "A page that stays".
 */
#include "smp/trampoline.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "guest/bios_map.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/pte.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/address.h"
#include "paging/gdt.h"
#include "paging/paging.h"
#include "paging/trap.h"
#include "smp/lapic.h"

#define GDT_CODE64      0x00af9b000000ffff
#define INTERRUPT_GATE  0x8e00 /* present, ring 0, 64 bits (SDM 3A 6.14.1) */
#define TABLES          4
#define BDA_MEMORY_KIB  PHYS(0x413) /* how much conventional memory there is */
#define BDA_MEMORY_MOST 640

_Static_assert(SEL_CODE == TRAMPOLINE_SELECTOR, "one IDT serves both GDTs");

void smp_arrive(void);

/* For trampoline.S. */
void *expected_stack; /* NULL: nobody is expected */
u32 visitor_count;
u32 visitor_ids[CENSUS_MOST]; /* plus 1; 0: not written yet */
volatile u32 *own_id_register;

static u64 park_idt[VECTOR_MC + 1][2]; /* NMI and #MC; the others are absent */
struct {
	u16 limit;
	void *base;
} __packed park_idtr = {sizeof(park_idt) - 1, park_idt};

static u8 vector;

static void set_park_gate(uint n)
{
	u64 to = (u64)smp_park;

	park_idt[n][0] = (to & 0xffff) | SEL_CODE << 16 |
			 (u64)INTERRUPT_GATE << 32 | (to >> 16 & 0xffff) << 48;
	park_idt[n][1] = to >> 32;
}

/*
 * Page tables for the way up: ours, and the trampoline's page mapped to itself,
 * where ours have nothing.
 */
static int build_tables(u64 at, u32 *cr3)
{
	u64 *root = vmm_phys_to_virt(paging_root());
	u64 *low = vmm_phys_to_virt(PHYS(root[0] & PTE_ADDRESS));
	u64(*tables)[512];

	if (read_cr4() & CR4_LA57)
		return -ENODEV; /* a BIOS doesn't set it, and neither do we */
	tables = new_pages(NULL, TABLES);
	if (!tables)
		return -ENOMEM;
	memcpy(tables[0], root, PAGE_SIZE);
	memcpy(tables[1], low, PAGE_SIZE);
	memset(tables[2], 0, 2 * PAGE_SIZE);
	tables[0][0] = virt_to_phys(tables[1]).v | PTE_P | PTE_W;
	tables[1][0] = virt_to_phys(tables[2]).v | PTE_P | PTE_W;
	tables[2][0] = virt_to_phys(tables[3]).v | PTE_P | PTE_W;
	tables[3][at >> PAGE_SHIFT] = at | PTE_P;
	*cr3 = virt_to_phys(tables[0]).v;
	return 0;
}

/*
 * The highest page of RAM below the end of conventional memory, which a loader
 * that stays there has moved down; 0: there is none.
 */
static u64 find_low_page(void)
{
	u16 kib = *(volatile u16 *)phys_to_direct(BDA_MEMORY_KIB);
	u64 end = MIN(kib, BDA_MEMORY_MOST) * KIB;

	return ALIGN_UP(guest_room(&boot_info.map, end, 2 * PAGE_SIZE - KIB),
			PAGE_SIZE);
}

static void fill_trampoline(struct trampoline *t, u64 at, u32 cr3)
{
	memset(t, 0, PAGE_SIZE);
	memcpy(t, trampoline_start, trampoline_end - trampoline_start);
	t->cr0 = read_cr0();
	t->cr3 = cr3;
	t->cr4 = CR4_PAE;
	t->efer = rdmsr(MSR_EFER) & (EFER_LME | EFER_NXE);
	t->gdt[1] = GDT_CODE64;
	t->gdt_limit = sizeof(t->gdt) - 1;
	t->gdt_base = at + TRAMPOLINE_GDT;
	t->jump_to = at + (trampoline_long - trampoline_start);
	t->jump_selector = TRAMPOLINE_SELECTOR;
	t->entry = (u64)smp_arrive;
}

int trampoline_init(void)
{
	u64 at = boot_info.low.base;
	u32 cr3;
	int error;

	if (!at && boot_info.firmware == BOOT_BIOS)
		at = find_low_page();
	if (!at)
		return -ENOSPC;
	error = build_tables(at, &cr3);
	if (error)
		return error;
	boot_info.low = (struct mem_range){at, PAGE_SIZE, MEM_RESERVED};
	fill_trampoline(phys_to_direct(PHYS(at)), at, cr3);
	own_id_register = (u32 *)((u8 *)lapic_registers() + LAPIC_ID);
	set_park_gate(VECTOR_NMI);
	set_park_gate(VECTOR_MC);
	vector = at >> PAGE_SHIFT;
	return 0;
}

u8 trampoline_vector(void)
{
	return vector;
}

/* Both lie on top of the stack, for trampoline.S to pop. */
void trampoline_expect(struct smp_cpu *cpu, void *stack_top,
		       void (*entry)(struct smp_cpu *cpu))
{
	void **words = stack_top;

	*--words = cpu;
	*--words = entry;
	__atomic_store_n(&expected_stack, words, __ATOMIC_SEQ_CST);
}

bool trampoline_expect_nobody(void)
{
	return __atomic_exchange_n(&expected_stack, NULL, __ATOMIC_SEQ_CST);
}

uint trampoline_visitors(u32 *ids, uint max)
{
	uint n = __atomic_load_n(&visitor_count, __ATOMIC_SEQ_CST), k = 0;

	for (uint i = 0; i < MIN(n, CENSUS_MOST) && k < max; i++) {
		u32 id = __atomic_load_n(&visitor_ids[i], __ATOMIC_SEQ_CST);

		if (id)
			ids[k++] = id - 1;
	}
	return n;
}

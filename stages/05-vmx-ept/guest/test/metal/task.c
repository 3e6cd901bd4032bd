/*
 * Hardware task switches (SDM 3A 8.3): by CALL, JMP, INT, task gates,
 * exceptions and NMIs, and back by IRET; 16-bit, virtual 8086, with page tables
 * of their own. SVM's hardware does them; for VMX, vmx/task.c.
 */
#include "guest/test/metal/guest.h"

#include "guest/test/metal/layout.h"
#include "guest/test/metal/task.h"
#include "lib/string.h"

extern void leave_long_mode(void (*real_code)(void));
extern void task_tour(void);
extern const char task_counter[], task_jumper[], task_fault[], task_debug[],
	task_trapped[], task_narrow[], task_v86[];
extern u64 task_gdt[], task_idt[];
extern u32 task_notes[NOTES], task_flags, task_cr0;

struct tss {
	u32 link, stacks[6], cr3, eip, eflags, gpr[8];
	u32 es, cs, ss, ds, fs, gs, ldt, trap_and_map;
};
struct tss_16 {
	u16 link, stacks[6], ip, flags, gpr[8], es, cs, ss, ds, ldt;
};

extern struct tss task_tss_tour, task_tss_counter;

static struct tss jumper, fault, broken, v86, trap;
static struct tss_16 narrow;
static u8 stacks[8][512] __aligned(16);

#define SP               4 /* of gpr[] */
#define TSS_32           0x89
#define TSS_16           0x81
#define TASK_GATE(sel)   ((u64)(sel) << 16 | 0x8500UL << 32)
#define TRAP_GATE(place) ((place) | (u64)SEL_CODE32 << 16 | 0x8e00UL << 32)

static void describe(uint selector, const void *tss, u64 limit, u64 type)
{
	u64 base = (u64)tss;

	task_gdt[selector / 8] = limit | base << 16 | type << 40;
}

static void prepare(struct tss *tss, const char *code, uint selector)
{
	static uint count;

	*tss = (struct tss){
		.eip = (u64)code,
		.eflags = RFLAGS_FIXED,
		.gpr[SP] = (u64)stacks[count++] + sizeof(stacks[0]),
		.es = SEL_DATA,
		.cs = SEL_CODE32,
		.ss = SEL_DATA,
		.ds = SEL_DATA,
		.fs = SEL_DATA,
		.gs = SEL_DATA,
		.trap_and_map = 104 << 16,
	};
	describe(selector, tss, sizeof(*tss) - 1, TSS_32);
}

static void prepare_tasks(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed gdt;

	asm volatile("sgdt %0" : "=m"(gdt));
	memcpy(task_gdt, (const void *)gdt.base, SEL_DATA16 + 8);
	describe(SEL_TOUR, &task_tss_tour, sizeof(struct tss) - 1, TSS_32);
	prepare(&task_tss_counter, task_counter, SEL_COUNTER);
	prepare(&jumper, task_jumper, SEL_JUMPER);
	prepare(&fault, task_fault, SEL_FAULT);
	prepare(&broken, task_counter, SEL_BROKEN);
	broken.cs = SEL_DATA;
	prepare(&v86, task_v86, SEL_V86);
	v86.eflags |= RFLAGS_VM;
	v86.cs = v86.ss = v86.ds = 0;
	v86.stacks[0] = v86.gpr[SP];
	v86.stacks[1] = SEL_DATA;
	v86.gpr[SP] = REAL_STACK;
	prepare(&trap, task_trapped, SEL_TRAP);
	trap.trap_and_map |= 1;
	narrow = (struct tss_16){
		.ip = (u64)task_narrow,
		.flags = RFLAGS_FIXED,
		.gpr[SP] = REAL_STACK - 512,
		.es = SEL_DATA16,
		.cs = SEL_CODE16,
		.ss = SEL_DATA16,
		.ds = SEL_DATA16,
	};
	describe(SEL_NARROW, &narrow, sizeof(narrow) - 1, TSS_16);
	task_gdt[SEL_GATE / 8] = TASK_GATE(SEL_COUNTER);
	task_idt[VECTOR_DB] = TRAP_GATE((u64)task_debug);
	task_idt[VECTOR_NMI] = TASK_GATE(SEL_COUNTER);
	task_idt[VECTOR_TS] = TASK_GATE(SEL_FAULT);
	task_idt[VECTOR_GP] = TASK_GATE(SEL_FAULT);
	task_idt[TASK_VECTOR] = TASK_GATE(SEL_COUNTER);
}

/* All of the first 4 GiB twice, one to one: with 4 MiB pages, and with PAE. */
static void prepare_paging(void)
{
	u32 *directory = (u32 *)SPARE_TABLES;
	u64 *pdpt = (u64 *)(SPARE_TABLES + 0x1000);

	for (u32 i = 0; i < 1024; i++)
		directory[i] = i << 22 | 0x83;
	for (uint i = 0; i < 4; i++)
		pdpt[i] = pdpt[i + 4] = PAGE_TABLE_2 + i * PAGE_SIZE + 1;
}

GUEST_TEST(task)
{
	static const struct {
		const char *name;
		u32 expected;
	} notes[NOTES] = {
		[NOTE_CALL] = {"CALL", 1},
		[NOTE_AGAIN] = {"CALL again", 2},
		[NOTE_JMP] = {"JMP", 0x102},
		[NOTE_INT] = {"INT through a task gate", 0x103},
		[NOTE_GATE] = {"CALL through a task gate", 0x104},
		[NOTE_NARROW] = {"CALL to a 16-bit TSS", 0x105},
		[NOTE_GP] = {"#GP through a task gate", SEL_BAD & ~3},
		[NOTE_TS] = {"a bad code segment", SEL_DATA},
		[NOTE_V86] = {"HLT in virtual 8086 mode", 0},
		[NOTE_NMI] = {"NMI", 0x106},
		[NOTE_NMI_2] = {"another NMI", 0x107},
		[NOTE_TRAP] = {"T flag, DR6", 0xffff8ff0},
		[NOTE_CR3] = {"CR3", SPARE_TABLES + 0x10},
		[NOTE_PAE] = {"CR3 with PAE", SPARE_TABLES + 0x1020},
	};

	prepare_tasks();
	prepare_paging();
	leave_long_mode(task_tour);
	for (uint i = 0; i < NOTES; i++) {
		/* QEMU's own CPU knows no T flag. */
		bool missing = i == NOTE_TRAP && !task_notes[i];

		say("%s: 0x%x", notes[i].name, task_notes[i]);
		check(missing || task_notes[i] == notes[i].expected,
		      "%s: expected 0x%x", notes[i].name, notes[i].expected);
	}
	check(task_flags & RFLAGS_NT, "NT is not set: 0x%x", task_flags);
	check(task_cr0 & CR0_TS, "CR0.TS is not set: 0x%x", task_cr0);
}

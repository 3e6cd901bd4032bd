/*
 * One CPU's way out.
 *
 * Between Vellum and the guest lies a change of CR3, so the code that makes it
 * must be at the same address in both page tables. In the guest's, an empty
 * slot of the root table is borrowed for that, which the code empties again by
 * its last store:
 *
 *	guest's root    for all CPUs               CPU n's
 *	| ...  |
 *	| slot | -----> pointers --> directory --> table --> code
 *	| ...  |                                         --> data
 *	                                                 --> guest's root
 *
 * Then comes IRETQ, with the code and the frame in the TLB still. (An SMI
 * between the two, if it empties the TLB, gives the guest a page fault that is
 * not its own: the one risk that is left.) CPUs leave one after the other, the
 * next when the slot is as it was: two may have the same root table, and each
 * empties it.
 *
 * All this memory stays ours, like the whole range, until the machine is reset:
 * the guest was told at its start that the range is reserved, and no system
 * asks again. Book: chapter 16.
 */
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/pte.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/paging.h"
#include "smp/lapic.h"
#include "smp/panic.h"
#include "unload/leave.h"
#include "vmm/guest_memory.h"
#include "vmm/window.h"

#define TABLE_BITS (PTE_P | PTE_W | PTE_A)
#define DATA_BITS  (PTE_P | PTE_W | PTE_A | PTE_D)
#define CODE_BITS  (PTE_P | PTE_A)

/* Below it there is nothing, so that a descriptor table may begin before our
 * pages (segment.c). */
#define POINTER_INDEX 1

/* Their tables, which all CPUs share. */
static u64 *pointers, *directory;
static phys_t pointers_phys, directory_phys;
static void *code;
static phys_t code_phys;

#define CHECK(member, offset)                                         \
	_Static_assert(offsetof(struct leave_page, member) == offset, \
		       "unload/leave.h: " #member)

CHECK(regs, LEAVE_REGS);
CHECK(frame, LEAVE_FRAME);
CHECK(cr0, LEAVE_CR0);
CHECK(cr3, LEAVE_CR3);
CHECK(cr4, LEAVE_CR4);
CHECK(first_cr3, LEAVE_FIRST_CR3);
CHECK(first_cr4, LEAVE_FIRST_CR4);
CHECK(efer, LEAVE_EFER);
CHECK(fs_base, LEAVE_FS_BASE);
CHECK(gs_base, LEAVE_GS_BASE);
CHECK(dr7, LEAVE_DR7);
CHECK(gdtr.limit, LEAVE_GDTR);
CHECK(idtr.limit, LEAVE_IDTR);
CHECK(segment, LEAVE_SEGMENTS);
_Static_assert(offsetof(struct leave_segment, selector) == LEAVE_SELECTOR &&
		       offsetof(struct leave_segment, table.limit) ==
			       LEAVE_TABLE &&
		       sizeof(struct leave_segment) == LEAVE_SEGMENT_SIZE,
	       "unload/leave.h");
_Static_assert(sizeof(struct leave_page) <= PAGE_SIZE, "one page");

static void *new_zeroed(phys_t *phys)
{
	void *page = new_page(phys);

	return page ? memset(page, 0, PAGE_SIZE) : NULL;
}

static void give_back(void *page)
{
	if (page)
		free_page(page);
}

int leave_prepare(void)
{
	pointers = new_zeroed(&pointers_phys);
	directory = new_zeroed(&directory_phys);
	code = new_zeroed(&code_phys);
	if (!pointers || !directory || !code)
		return -ENOMEM;
	memcpy(code, leave_code, leave_code_end - leave_code);
	pointers[POINTER_INDEX] = directory_phys.v | TABLE_BITS;
	return 0;
}

void leave_forget(void)
{
	give_back(pointers);
	give_back(directory);
	give_back(code);
	pointers = directory = code = NULL;
}

int leave_prepare_cpu(struct leave_cpu *cpu, uint number)
{
	cpu->page = new_zeroed(&cpu->page_phys);
	cpu->table = new_zeroed(&cpu->table_phys);
	if (!cpu->page || !cpu->table || number >= LEAVE_CPUS)
		return -ENOMEM;
	directory[number] = cpu->table_phys.v | TABLE_BITS;
	return 0;
}

/* Nobody has been at those addresses, so no TLB knows of them. */
void leave_forget_cpu(struct leave_cpu *cpu)
{
	if (cpu->at) {
		*paging_entry(cpu->at + LEAVE_CODE) = 0;
		*paging_entry(cpu->at + LEAVE_DATA) = 0;
	}
	give_back(cpu->page);
	give_back(cpu->table);
	cpu->page = NULL;
	cpu->table = NULL;
}

static const char *back_end_obstacle(struct vcpu *vcpu)
{
	if (CONFIG_VMX && vcpu_ops == &vmx_ops)
		return vmx_leave_obstacle(vcpu);
	if (CONFIG_SVM)
		return svm_leave_obstacle(vcpu);
	return "it has no back end";
}

static void back_end_state(struct vcpu *vcpu, struct leave_state *state)
{
	if (CONFIG_VMX && vcpu_ops == &vmx_ops)
		vmx_leave_state(vcpu, state);
	else if (CONFIG_SVM)
		svm_leave_state(vcpu, state);
}

/* The descriptor that @selector names; 0, which is none, if there is none. */
static u64 guest_descriptor(struct vcpu *vcpu, const struct cpu_state *s,
			    u16 selector)
{
	u64 low = 0;

	if ((selector | 7) <= s->gdtr_limit)
		guest_read_virt(vcpu, s->gdtr_base + (selector & ~7), &low,
				sizeof(low));
	return low;
}

/* Of the upper half of the guest's root table; ours has its own say. */
static const char *look_at_root(struct leave_cpu *cpu, struct vcpu *vcpu)
{
	gphys_t root = GPHYS(cpu->state.cpu.cr3 & PTE_ADDRESS);
	struct pagetable own = {.root = paging_root(), .levels = 4};
	u64 entry[64];

	if (nested_root_lookup(&vcpu->root, root, true, &cpu->root) ||
	    cpu->root.v != root.v)
		return "its page tables are in no ordinary memory";
	memset(&cpu->slots, 0, sizeof(cpu->slots));
	for (uint i = 0; i < 4; i++) {
		window_read(PHYS(root.v + (SLOTS_FIRST + i * 64) * 8), entry,
			    sizeof(entry));
		for (uint j = 0; j < 64; j++) {
			u64 slot = SLOTS_FIRST + i * 64 + j;
			uint level;

			if (!entry[j] &&
			    !pt_lookup(&own, slot << 39 | 0xffffUL << 48,
				       &level) &&
			    level == 4)
				cpu->slots.empty[i] |= BIT(j);
		}
	}
	return NULL;
}

const char *leave_look(struct leave_cpu *cpu, struct vcpu *vcpu)
{
	struct cpu_state *s = &cpu->state.cpu;
	const char *why = back_end_obstacle(vcpu);

	if (why)
		return why;
	back_end_state(vcpu, &cpu->state);
	why = leave_obstacle(s);
	if (!why)
		why = leave_obstacle_frame(
			s,
			guest_descriptor(vcpu, s,
					 s->segment[SEGMENT_CS].selector),
			guest_descriptor(vcpu, s,
					 s->segment[SEGMENT_SS].selector));
	if (!why && read_cr4() & CR4_LA57)
		why = "Vellum's page tables have five levels";
	if (!why &&
	    (!lapic_registers() || !(rdmsr(MSR_APIC_BASE) & APIC_BASE_ENABLED)))
		why = "its local APIC is off";
	return why ? why : look_at_root(cpu, vcpu);
}

/*
 * Which of its table's 512 pages a CPU has. IRETQ reads the frame, then the
 * guest's GDT, then the frame again, which only the TLB knows by then. So that
 * it is still there, also where a TLB has one place for a page, or few, ours
 * differ from the GDT's in the lowest bits of their numbers.
 */
#define AWAY_FROM_GDT 0x105

static uint first_page(const struct leave_cpu *cpu)
{
	u64 gdt = cpu->state.cpu.gdtr_base >> PAGE_SHIFT;
	uint first = (gdt + AWAY_FROM_GDT) % PT_ENTRIES;

	return first + LEAVE_PAGES > PT_ENTRIES ? first - 64 : first;
}

int leave_map(struct leave_cpu *cpu, uint number, int slot)
{
	u64 at = 0xffffUL << 48 | (u64)slot << 39 | POINTER_INDEX * GIB;
	u64 *entry[2];

	at += number * LEAVE_SPAN + first_page(cpu) * PAGE_SIZE;
	entry[0] = paging_entry(at + LEAVE_CODE);
	entry[1] = paging_entry(at + LEAVE_DATA);
	if (!entry[0] || !entry[1])
		return -ENOMEM;
	cpu->at = at;
	cpu->slot = cpu->root.v + slot * sizeof(u64);
	*entry[0] = code_phys.v | CODE_BITS;
	*entry[1] = cpu->page_phys.v | DATA_BITS;
	return 0;
}

static void fill_segments(struct leave_cpu *cpu)
{
	static const enum segment_name names[] = {
		[LEAVE_ES] = SEGMENT_ES,     [LEAVE_DS] = SEGMENT_DS,
		[LEAVE_FS] = SEGMENT_FS,     [LEAVE_GS] = SEGMENT_GS,
		[LEAVE_LDTR] = SEGMENT_LDTR, [LEAVE_TR] = SEGMENT_TR,
	};
	struct leave_segment *to = cpu->page->segment;
	u64 at = cpu->at + LEAVE_DATA + LEAVE_SEGMENTS;

	for (uint i = 0; i < LEAVE_SEGMENT_COUNT; i++)
		to[i] = leave_segment_of(&cpu->state.cpu.segment[names[i]],
					 at + i * sizeof(*to));
}

/* Where in the page the frame begins, so that the slot is LEAVE_FRAME_TO_SLOT
 * behind it. */
static uint frame_offset(const struct leave_cpu *cpu)
{
	return LEAVE_ROOT - LEAVE_DATA + (cpu->slot & PAGE_MASK) -
	       LEAVE_FRAME_TO_SLOT;
}

static void fill_frame(struct leave_cpu *cpu)
{
	const struct cpu_state *s = &cpu->state.cpu;
	uint offset = frame_offset(cpu);

	*(struct leave_frame *)&cpu->page->frames[offset] =
		(struct leave_frame){
			.rip = s->rip,
			.cs = s->segment[SEGMENT_CS].selector,
			.rflags = s->rflags,
			.rsp = s->rsp,
			.ss = s->segment[SEGMENT_SS].selector,
		};
	cpu->page->frame = cpu->at + LEAVE_DATA + offset;
}

static void fill_page(struct leave_cpu *cpu)
{
	const struct cpu_state *s = &cpu->state.cpu;
	struct leave_page *p = cpu->page;

	p->regs = vcpu_current()->regs;
	p->regs.cr2 = cpu->state.cr2;
	p->cr0 = s->cr0;
	p->cr3 = s->cr3;
	p->cr4 = s->cr4;
	p->first_cr3 = s->cr3 & PTE_ADDRESS;
	p->first_cr4 = read_cr4() & ~(CR4_PGE | CR4_PCIDE | CR4_VMXE);
	p->efer = s->efer;
	p->fs_base = s->segment[SEGMENT_FS].base;
	p->gs_base = s->segment[SEGMENT_GS].base;
	p->dr7 = cpu->state.dr7;
	p->gdtr.limit = s->gdtr_limit;
	p->gdtr.base = s->gdtr_base;
	p->idtr.limit = s->idtr_limit;
	p->idtr.base = s->idtr_base;
	fill_segments(cpu);
	fill_frame(cpu);
}

/* The code can be written by nobody, and the rest not be executed where the
 * guest's EFER knows that. */
static void fill_table(struct leave_cpu *cpu)
{
	u64 nx = cpu->state.cpu.efer & EFER_NXE ? PTE_NX : 0;
	u64 *entry = &cpu->table[first_page(cpu)];

	entry[LEAVE_CODE / PAGE_SIZE] = code_phys.v | CODE_BITS;
	entry[LEAVE_DATA / PAGE_SIZE] = cpu->page_phys.v | DATA_BITS | nx;
	entry[LEAVE_ROOT / PAGE_SIZE] = cpu->root.v | DATA_BITS | nx;
}

/* @before has put in what is still there. It may be gone already, and its root
 * table, too: then there is something else. */
static bool is_gone(struct leave_cpu *before)
{
	u64 entry;

	if (!__atomic_load_n(&before->out, __ATOMIC_ACQUIRE))
		return false;
	window_read(PHYS(before->slot), &entry, sizeof(entry));
	return entry != (pointers_phys.v | TABLE_BITS);
}

void leave_now(struct leave_cpu *cpu, void (*last_act)(void))
{
	u64 entry = pointers_phys.v | TABLE_BITS;

	fill_page(cpu);
	fill_table(cpu);
	while (cpu->before && !is_gone(cpu->before)) {
		smp_stop_if_panic();
		cpu_pause();
	}
	last_act();
	window_write(PHYS(cpu->slot), &entry, sizeof(entry));
	__atomic_store_n(&cpu->out, 1, __ATOMIC_RELEASE);
	vcpu_ops->disable();
	if (CONFIG_SVM && vcpu_ops == &svm_ops)
		svm_leave_a20();
	leave_jump(cpu->at + LEAVE_CODE, cpu->at + LEAVE_DATA);
}

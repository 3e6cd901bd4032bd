/*
 * Exceptions: the IDT, and who gets to hear of what.
 *
 * Vellum runs with interrupts off, always: the devices are the guest's, and so
 * are their interrupts. What arrives here is an exception, and that means one
 * of three things, tried in this order:
 *
 *	guarded() is under way	it ends with -EFAULT	(guarded.c)
 *	a handler is set	NMI, from stage 05 on
 *	neither			a bug of ours, be it a page fault or another:
 *				panic, with all registers
 *
 * Book: chapter 2, "Exceptions" and "Reading a register dump".
 */
#include "paging/trap.h"

#include "boot/layout.h"
#include "console/backtrace.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "paging/gdt.h"
#include "paging/guarded.h"
#include "paging/paging.h"

#define TRAP_VECTORS     32
#define STUB_SIZE        16
#define GATE_INTERRUPT64 0x8e /* present, ring 0, interrupts off inside */

struct idt_gate {
	u16 offset_low;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};
_Static_assert(sizeof(struct idt_gate) == 16, "SDM 3A 6.14.1");

/*
 * One IDT for all CPUs: what differs between them is in the TSS. It ends after
 * the exceptions; a higher vector, which must not happen, is a #GP.
 */
static struct idt_gate idt[TRAP_VECTORS] __aligned(16);
static bool (*handlers[TRAP_VECTORS])(struct trap_frame *);

/* trap_entry.S */
extern const char trap_stubs[];

void trap_set_handler(uint vector, bool (*handler)(struct trap_frame *))
{
	__atomic_store_n(&handlers[vector], handler, __ATOMIC_RELEASE);
}

/* The exception that this CPU panics about, or NULL, and its CR2. */
PERCPU(struct trap_frame *, trap_fatal);
PERCPU(u64, trap_fatal_cr2);

static const char *const trap_names[TRAP_VECTORS] = {
	[0] = "#DE divide error",
	[1] = "#DB debug exception",
	[2] = "NMI",
	[3] = "#BP breakpoint",
	[4] = "#OF overflow",
	[5] = "#BR bound range exceeded",
	[6] = "#UD invalid opcode",
	[7] = "#NM device not available",
	[8] = "#DF double fault",
	[10] = "#TS invalid TSS",
	[11] = "#NP segment not present",
	[12] = "#SS stack-segment fault",
	[13] = "#GP general protection fault",
	[14] = "#PF page fault",
	[16] = "#MF x87 error",
	[17] = "#AC alignment check",
	[18] = "#MC machine check",
	[19] = "#XM SIMD floating-point error",
	[20] = "#VE virtualization exception",
	[21] = "#CP control protection",
	[28] = "#HV hypervisor injection",
	[29] = "#VC VMM communication",
	[30] = "#SX security exception",
};

const char *trap_name(uint vector)
{
	const char *name = vector < TRAP_VECTORS ? trap_names[vector] : NULL;

	return name ? name : "reserved";
}

static const char *pf_access(u64 error)
{
	if (error & PF_FETCH)
		return "execution of";
	return error & PF_WRITE ? "write to" : "read of";
}

static const char *pf_reason(u64 error)
{
	if (error & PF_RESERVED)
		return "whose page table entry is malformed";
	if (!(error & PF_PRESENT))
		return "which is not mapped";
	return error & PF_FETCH ? "which may not be executed"
				: "which may not be written";
}

/* What more is known about @frame than its name, as text. */
static void describe_trap(const struct trap_frame *frame, u64 cr2, char *text,
			  size_t size)
{
	u64 error = frame->error;

	text[0] = '\0';
	if (frame->vector == VECTOR_PF || frame->vector == VECTOR_DF)
		if (paging_is_guard(cr2)) {
			snprintf(text, size,
				 ": stack overflow into the guard page at "
				 "0x%lx",
				 cr2 & ~PAGE_MASK);
			return;
		}
	if (frame->vector == VECTOR_PF)
		snprintf(text, size, ": %s 0x%lx, %s", pf_access(error), cr2,
			 pf_reason(error));
	else if (error && frame->vector != VECTOR_DF) /* a selector error */
		snprintf(text, size, ": %s entry %lu%s",
			 error & 2   ? "IDT"
			 : error & 4 ? "LDT"
				     : "GDT",
			 (error & 0xffff) >> 3,
			 error & 1 ? ", external event" : "");
}

/*
 * An exception that nobody expected: say all there is to say about it.
 *
 * The cause goes into the panic message, with what the CPU tells about it in
 * the error code and CR2. The registers follow as a panic hook: by then panic
 * has got the consoles back, from whoever held them when it happened.
 */
static void __noreturn trap_panic(struct trap_frame *frame)
{
	u64 cr2 = read_cr2();
	char text[96];

	if (!*this_cpu(trap_fatal)) { /* the first one tells the story */
		*this_cpu(trap_fatal) = frame;
		*this_cpu(trap_fatal_cr2) = cr2;
	}
	describe_trap(frame, cr2, text, sizeof(text));
	panic_at(frame->rip, backtrace_start(frame->rbp, frame->rsp),
		 "exception %lu, %s%s (error 0x%lx)", frame->vector,
		 trap_name(frame->vector), text, frame->error);
}

static void print_registers(void)
{
	const struct trap_frame *f = *this_cpu(trap_fatal);

	if (!f)
		return;
	printf("registers of CPU%u at exception %lu, error 0x%lx:\n",
	       *this_cpu(cpu_number), f->vector, f->error);
	printf("rax %016lx rbx %016lx rcx %016lx\n", f->rax, f->rbx, f->rcx);
	printf("rdx %016lx rsi %016lx rdi %016lx\n", f->rdx, f->rsi, f->rdi);
	printf("rbp %016lx rsp %016lx r8  %016lx\n", f->rbp, f->rsp, f->r8);
	printf("r9  %016lx r10 %016lx r11 %016lx\n", f->r9, f->r10, f->r11);
	printf("r12 %016lx r13 %016lx r14 %016lx\n", f->r12, f->r13, f->r14);
	printf("r15 %016lx rip %016lx rfl %016lx\n", f->r15, f->rip, f->rflags);
	printf("cr0 %016lx cr2 %016lx cr3 %016lx\n", read_cr0(),
	       *this_cpu(trap_fatal_cr2), read_cr3());
	printf("cr4 %016lx efr %016lx cs %04lx ss %04lx\n", read_cr4(),
	       rdmsr(MSR_EFER), f->cs, f->ss);
}

PANIC_HOOK(print_registers);

/* If @frame is the doing of a guarded(): make it return there, with -EFAULT. */
static bool resume_guarded(struct trap_frame *frame)
{
	u64 rsp = guarded_resume(frame->vector);

	if (!rsp)
		return false;
	frame->rip = (u64)guarded_out;
	frame->rsp = rsp;
	frame->rax = -EFAULT;
	frame->rflags = RFLAGS_FIXED;
	return true;
}

void trap_dispatch(struct trap_frame *frame)
{
	bool (*handler)(struct trap_frame *) = handlers[frame->vector];

	if (resume_guarded(frame))
		return;
	if (handler && handler(frame))
		return;
	trap_panic(frame);
}

static u8 ist_of(uint vector)
{
	switch (vector) {
	case VECTOR_NMI:
		return IST_NMI;
	case VECTOR_DF:
		return IST_DF;
	case VECTOR_MC:
		return IST_MC;
	default:
		return 0;
	}
}

static void fill_idt(void)
{
	for (uint i = 0; i < TRAP_VECTORS; i++) {
		u64 stub = (u64)trap_stubs + i * STUB_SIZE;

		idt[i] = (struct idt_gate){
			.offset_low = (u16)stub,
			.selector = SEL_CODE,
			.ist = ist_of(i),
			.type = GATE_INTERRUPT64,
			.offset_middle = (u16)(stub >> 16),
			.offset_high = stub >> 32,
		};
	}
}

void trap_init(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed idtr = {sizeof(idt) - 1, (u64)idt};

	gdt_setup();
	if (*this_cpu(cpu_number) == 0)
		fill_idt();
	asm volatile("lidt %0" : : "m"(idtr));
}

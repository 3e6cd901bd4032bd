/*
 * Events whose delivery causes a VM exit: the stack is in Vellum's range, so
 * the first write of the frame to each page there must be put right by Vellum,
 * and then the event must come again, exactly once. For VMX: QEMU's SVM says
 * the wrong thing about events that an exit interrupts.
 */
#include "guest/test/metal/guest.h"

#define VECTOR_SOFT 40

#define APIC_SVR  0xf0
#define APIC_ID   0x20
#define APIC_ICR0 0x300
#define APIC_ICR1 0x310

static volatile uint count;
static volatile u64 frame_rsp;
static u64 next_stack;

static void on_event(struct frame *frame)
{
	count++;
	frame_rsp = frame->rsp;
	if (frame->vector == VECTOR_UD)
		frame->rip += 2;
}

/* Execute @code with a stack whose page nobody has written to. RAX is @in. */
#define ON_NEW_STACK(code, in)                               \
	asm volatile("mov %%rsp, %%rbx\n\t"                  \
		     "mov %0, %%rsp\n\t" code "\n\t"         \
		     "mov %%rbx, %%rsp"                      \
		     :                                       \
		     : "r"(next_stack += PAGE_SIZE), "a"(in) \
		     : "rbx", "memory", "cc")

static void expect_one(const char *what)
{
	cpuid(0, 0); /* the exit at which an NMI comes at the latest */
	if (check(count == 1 && frame_rsp == next_stack,
		  "%s: %u came, with RSP 0x%lx", what, count, frame_rsp))
		say("%s: delivered once", what);
	count = 0;
}

static void send_nmis(void)
{
	volatile u32 *apic = (u32 *)(rdmsr(MSR_APIC_BASE) & ~PAGE_MASK);

	apic[APIC_SVR / 4] |= 0x100; /* software enable */
	apic[APIC_ICR1 / 4] = apic[APIC_ID / 4];
	for (uint i = 0; i < 3; i++) {
		ON_NEW_STACK("movl $0x4400, (%%rax)\n\t"
			     "nop; nop; nop; nop",
			     &apic[APIC_ICR0 / 4]);
		expect_one("NMI");
	}
}

GUEST_TEST(delivery)
{
	static const u8 vectors[] = {VECTOR_DB, VECTOR_NMI, VECTOR_BP,
				     VECTOR_UD, VECTOR_SOFT};
	u64 base, size;

	if (below() != BELOW_VMX || !find_hidden(&base, &size)) {
		say("only under VMX");
		return;
	}
	next_stack = base + size / 4 + PAGE_SIZE / 2;
	for (uint i = 0; i < ARRAY_SIZE(vectors); i++)
		set_handler(vectors[i], on_event);
	ON_NEW_STACK("int $40", 0);
	expect_one("INT n");
	ON_NEW_STACK("int3", 0);
	expect_one("INT3");
	ON_NEW_STACK(".byte 0xf1", 0);
	expect_one("INT1");
	ON_NEW_STACK("ud2", 0);
	expect_one("#UD");
	send_nmis();
	for (uint i = 0; i < ARRAY_SIZE(vectors); i++)
		set_handler(vectors[i], NULL);
}

/*
 * All ways to store to the local APIC. What an instruction does to a register
 * of the APIC it does to memory as well, so each is done to both, and compared:
 * the value, and RAX, RCX, RDX and the status flags. The register is the
 * timer's initial count, whose interrupt is masked.
 */
#include "guest/test/metal/guest.h"
#include "lib/string.h"
#include "smp/lapic.h"
#include "smp/test/metal/ap_code.h"

#define STATUS    0x8d5UL
#define IPI       (VECTORS - 1)
#define TO_SELF   (ICR_SHORTHAND_SELF << 18 | IPI)
#define TO_OTHERS (ICR_SHORTHAND_OTHER << 18)

static volatile u32 *apic;
static u32 line[4] __aligned(16); /* what the memory's copy is in */
static u32 source = 0x2468ace;
static uint ipis;

struct result {
	u64 rax, rcx, rdx, rflags;
	u32 value;
};

typedef void store_fn(volatile u32 *at, struct result *r);

/* RDI is the address, RSI that of the source; RAX, RCX and RDX are operands. */
#define STORE(name, text)                                                   \
	static void do_##name(volatile u32 *at, struct result *r)           \
	{                                                                   \
		volatile u32 *to = at;                                      \
		u32 *from = &source;                                        \
                                                                            \
		asm volatile("push %[f]; popfq; " text "; pushfq; pop %[f]" \
			     : "+a"(r->rax), "+c"(r->rcx), "+d"(r->rdx),    \
			       "+D"(to), "+S"(from), [f] "+b"(r->rflags)    \
			     :                                              \
			     : "memory", "cc", "r8");                       \
	}

STORE(mov, "movl %%eax, (%%rdi)")
STORE(mov8, "movq %%rax, (%%rdi)")
STORE(imm, "movl $0x123, (%%rdi)")
STORE(xchg, "xchgl %%eax, (%%rdi)")
STORE(stos, "stosl")
STORE(rep_stos, "mov $1, %%ecx; rep stosl")
STORE(movs, "movsl")
STORE(movnti, "movnti %%eax, (%%rdi)")
STORE(pop, "push %%rax; popq (%%rdi)")
STORE(push, "mov %%rsp, %%r8; lea 8(%%rdi), %%rsp; push %%rax; mov %%r8, %%rsp")
STORE(push_imm,
      "mov %%rsp, %%r8; lea 8(%%rdi), %%rsp; push $9; mov %%r8, %%rsp")
STORE(add, "lock addl %%eax, (%%rdi)")
STORE(adc, "adcl %%eax, (%%rdi)")
STORE(sbb, "sbbl $5, (%%rdi)")
STORE(and, "andl %%eax, (%%rdi)")
STORE(xor, "xorl $-1, (%%rdi)")
STORE(inc, "incl (%%rdi)")
STORE(dec, "lock decl (%%rdi)")
STORE(not, "notl (%%rdi)")
STORE(neg, "negl (%%rdi)")
STORE(rol, "roll $3, (%%rdi)")
STORE(rcr, "rcrl (%%rdi)")
STORE(sar, "sarl %%cl, (%%rdi)")
STORE(shld, "shldl $7, %%eax, (%%rdi)")
STORE(shrd, "shrdl %%cl, %%edx, (%%rdi)")
STORE(bts, "lock btsl $9, (%%rdi)")
STORE(btr, "and $31, %%ecx; btrl %%ecx, (%%rdi)")
STORE(btc, "btcl $30, (%%rdi)")
STORE(xadd, "lock xaddl %%eax, (%%rdi)")
STORE(cmpxchg, "lock cmpxchgl %%ecx, (%%rdi)")
STORE(cmpxchg_same, "movl (%%rdi), %%eax; lock cmpxchgl %%ecx, (%%rdi)")
STORE(movd, "movd %%eax, %%xmm5; movd %%xmm5, (%%rdi)")
STORE(movups, "movq %%rax, %%xmm15; movups %%xmm15, (%%rdi)")
STORE(movnt, "movq %%rdx, %%xmm1; movntdq %%xmm1, (%%rdi)")

static const struct {
	const char *name;
	store_fn *store;
} stores[] = {
#define S(name)                  \
	{                        \
#name, do_##name \
	}
	S(mov),          S(mov8), S(imm),    S(xchg),  S(stos),
	S(rep_stos),     S(movs), S(movnti), S(pop),   S(push),
	S(push_imm),     S(add),  S(adc),    S(sbb),   S(and),
	S(xor),          S(inc),  S(dec),    S(not ),  S(neg),
	S(rol),          S(rcr),  S(sar),    S(shld),  S(shrd),
	S(bts),          S(btr),  S(btc),    S(xadd),  S(cmpxchg),
	S(cmpxchg_same), S(movd), S(movups), S(movnt),
#undef S
};

static struct result result_of(store_fn *store, volatile u32 *at)
{
	struct result r = {0x1234567, 0x76543, 0xfedcba9, 0x2 | 1, 0};

	*at = 0x7654321;
	store(at, &r);
	r.value = *at;
	r.rflags &= STATUS;
	return r;
}

static void each_store(void)
{
	for (uint i = 0; i < ARRAY_SIZE(stores); i++) {
		struct result m = result_of(stores[i].store, line);
		struct result a =
			result_of(stores[i].store, &apic[LAPIC_TIMER_INIT / 4]);

		check(!memcmp(&m, &a, sizeof(m)),
		      "%s: 0x%x, not 0x%x; flags 0x%lx, not 0x%lx; RAX 0x%lx, "
		      "not 0x%lx",
		      stores[i].name, a.value, m.value, a.rflags, m.rflags,
		      a.rax, m.rax);
	}
	apic[LAPIC_TIMER_INIT / 4] = 0;
	say("%lu stores as to memory", ARRAY_SIZE(stores));
}

/* The interrupt's end, by an instruction that writes what is there already. */
static void take_ipi(struct frame *frame)
{
	struct result r = {0};

	ipis++;
	stores[ipis % 2 ? 4 : 7].store(&apic[LAPIC_EOI / 4], &r);
}

/* The same command, or the same end, twice, counts twice. */
static void the_same_value_counts(void)
{
	static store_fn *const same[] = {do_mov,    do_xchg, do_stos,
					 do_movnti, do_pop,  do_movups};
	uint wanted = 0;

	set_handler(IPI, take_ipi);
	for (uint i = 0; i < 4 * ARRAY_SIZE(same); i++) {
		struct result r = {.rax = TO_SELF, .rflags = 0x2};

		same[i / 4](&apic[LAPIC_ICR_LOW / 4], &r);
		wanted++;
		asm volatile("sti; nop; nop; cli");
		check(ipis == wanted, "%u interrupts, not %u", ipis, wanted);
	}
	asm volatile("orl $0, %0; sti; nop; nop; cli"
		     : "+m"(apic[LAPIC_ICR_LOW / 4]));
	check(ipis == wanted + 1, "OR of 0 sends nothing");
	say("%u interrupts", ipis);
}

static void store_8_bytes(uint offset, u64 value)
{
	*(volatile u64 *)((volatile char *)apic + offset) = value;
}

/* Only under Vellum: real APICs do with these what they like. */
static void half_a_command_is_none(void)
{
	volatile struct ap_page *page = (void *)AP_PAGE_1;
	u64 init = TO_OTHERS | ICR_MODE_INIT | ICR_ASSERT;
	u32 before, icr = apic[LAPIC_ICR_LOW / 4];

	for (uint offset = 0x2f9; offset < 0x30f; offset++)
		if (offset + 8 < LAPIC_ICR_LOW + 4 || offset > LAPIC_ICR_LOW)
			store_8_bytes(offset, init << 8 * (offset & 3));
	before = page->alive;
	while (page->alive - before < 1000)
		cpu_pause();
	check(icr == apic[LAPIC_ICR_LOW / 4], "the ICR is 0x%x, not 0x%x",
	      apic[LAPIC_ICR_LOW / 4], icr);
	store_8_bytes(LAPIC_ICR_LOW - 4, init << 32);
	apic[LAPIC_ICR_LOW / 4] = TO_OTHERS | ICR_MODE_SIPI | AP_PAGE_1 >> 12;
	while (page->starts < 2)
		cpu_pause();
	check(page->leaf == 0x6c6c6556, "CPU 1 is outside Vellum");
	say("no command but whole ones");
}

static void store_fpu(void *at)
{
	asm volatile("fxsave (%0)" : : "r"(at) : "memory");
}

static void store_control_word(void *at)
{
	asm volatile("fnstcw (%0)" : : "r"(at) : "memory");
}

static void write_behind_the_page(void *at)
{
	*(volatile u32 *)((char *)at + PAGE_SIZE - 2) = 0;
}

static void what_cannot_be_done_faults(void)
{
	void *at = (void *)&apic[LAPIC_TIMER_INIT / 4];
	int vector = try(store_fpu, at);

	check(vector == VECTOR_GP, "FXSAVE: %s", fault_name(vector));
	vector = try(store_control_word, at);
	check(vector == VECTOR_GP, "FNSTCW: %s", fault_name(vector));
	vector = try(write_behind_the_page, (void *)apic);
	check(vector == VECTOR_GP, "two pages: %s", fault_name(vector));
	check(count_in_log("smp: a store to the local APIC at ") == 3,
	      "the log does not say so");
	say("others fault");
}

static void start_cpu_1(void)
{
	memset((void *)AP_PAGE_1, 0, PAGE_SIZE);
	memcpy((void *)AP_PAGE_1, ap_code, ap_code_end - ap_code);
	apic[LAPIC_ICR_LOW / 4] = TO_OTHERS | ICR_MODE_INIT | ICR_ASSERT;
	apic[LAPIC_ICR_LOW / 4] = TO_OTHERS | ICR_MODE_SIPI | AP_PAGE_1 >> 12;
	while (!((volatile struct ap_page *)AP_PAGE_1)->alive)
		cpu_pause();
}

/* Cycles of Vellum's, which are instructions where an emulator counts so. */
static void count_cycles_of_an_eoi(void)
{
	enum {
		EOIS = 1000
	};
	struct hypercall before = {0}, after = {0};
	u64 i = 0;

	while (hypercall(&before, HYPERCALL_STATS, i) && !before.rax &&
	       memcmp(&before.rsi, "MEMORY", 7))
		i++;
	for (uint n = 0; n < EOIS; n++)
		apic[LAPIC_EOI / 4] = 0;
	hypercall(&after, HYPERCALL_STATS, i);
	check(after.rbx - before.rbx == EOIS, "%lu exits for %u EOIs",
	      after.rbx - before.rbx, EOIS);
	say("an EOI costs %lu cycles", (after.rdx - before.rdx) / EOIS);
}

#define MSR_X2APIC_EOI     0x80b
#define CPUID_1_ECX_X2APIC BIT(21)

static void end_in_x2apic(struct frame *frame)
{
	ipis++;
	wrmsr(MSR_X2APIC_EOI, 0);
}

/* There each command exits, and nothing else does. */
static void x2apic_exits_once_for_each_command(void)
{
	s64 before, exits;

	if (!(cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC)) {
		say("no x2APIC");
		return;
	}
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2APIC);
	set_handler(IPI, end_in_x2apic);
	ipis = 0;
	before = count_exits();
	for (uint i = 0; i < 100; i++) {
		wrmsr(MSR_X2APIC_ICR, TO_SELF);
		asm volatile("sti; nop; nop; cli");
	}
	exits = count_exits() - before;
	check(ipis == 100, "%u of 100 interrupts in x2APIC mode", ipis);
	check(exits == 100, "%ld exits for 100 commands and their ends", exits);
	say("x2APIC: an exit for each command");
}

GUEST_TEST(stores)
{
	pic_init(0);
	write_cr4(read_cr4() | CR4_OSFXSR);
	apic = (u32 *)(rdmsr(MSR_APIC_BASE) & ~PAGE_MASK);
	apic[LAPIC_SVR / 4] |= 0x1ff;
	apic[LAPIC_LVT_TIMER / 4] = 0x10000 | IPI;
	each_store();
	the_same_value_counts();
	if (below() == BELOW_NATIVE)
		return;
	count_cycles_of_an_eoi(); /* while the other CPU sleeps */
	start_cpu_1();
	half_a_command_is_none();
	what_cannot_be_done_faults();
	x2apic_exits_once_for_each_command();
}

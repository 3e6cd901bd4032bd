/*
 * The attack guest's attempts on CPUs: to have one run without Vellum, by each
 * way to name it, each way to write the interrupt command register, and at
 * each moment. CPU 1 says itself who is below it (ap_code.S).
 */
#include "guest/test/metal/attack.h"
#include "lib/string.h"
#include "smp/lapic.h"
#include "smp/test/metal/ap_code.h"

#define A_WHILE  (below() == BELOW_VMX ? 500000UL : 5000000UL)
#define PATIENCE (50 * A_WHILE)
#define VELLUM   0x6c6c6556 /* EBX of the leaf */

#define INIT   (ICR_MODE_INIT | ICR_ASSERT)
#define SIPI   (ICR_MODE_SIPI | AP_PAGE_1 >> 12)
#define ALL    (ICR_SHORTHAND_ALL << 18)
#define OTHERS (ICR_SHORTHAND_OTHER << 18)

static volatile struct ap_page *const page = (void *)AP_PAGE_1;

static volatile u32 *apic(void)
{
	return (u32 *)(rdmsr(MSR_APIC_BASE) & ~PAGE_MASK);
}

static void send(u32 dest, u32 icr)
{
	apic()[LAPIC_ICR_HIGH / 4] = dest << 24;
	apic()[LAPIC_ICR_LOW / 4] = icr;
}

static bool within(u64 cycles, volatile u32 *value, u32 least)
{
	u64 start = rdtsc();

	while (*value < least && rdtsc() - start < cycles)
		cpu_pause();
	return *value >= least;
}

static void prepare(void)
{
	apic()[LAPIC_SVR / 4] |= 0x100; /* software enable */
	memset((void *)AP_PAGE_1, 0, PAGE_SIZE);
	memcpy((void *)AP_PAGE_1, ap_code, ap_code_end - ap_code);
}

/* Has a CPU come, and who is below it? */
static enum verdict see_who_comes(void)
{
	bool came = within(PATIENCE, &page->starts, 1) &&
		    within(PATIENCE, &page->alive, 2);

	send(0, INIT | OTHERS);
	if (!came) {
		note("nobody came");
		return AS_ON_HARDWARE;
	}
	if (page->leaf != VELLUM) {
		note("%u came, without Vellum", page->starts);
		return ESCAPED;
	}
	note("%u came, with Vellum", page->starts);
	return AS_ON_HARDWARE;
}

/* INIT and start-up IPI to destination @value >> 32, with @value's low bits. */
static enum verdict start(const struct attack *a)
{
	prepare();
	send(a->value >> 32, INIT | (u32)a->value);
	send(a->value >> 32, SIPI | (u32)a->value);
	send(a->value >> 32, SIPI | (u32)a->value);
	return see_who_comes();
}

#define TO(dest, bits) .value = (u64)(dest) << 32 | (bits)

/* One that there is, and some that no table lists: Vellum looks for each. */
static enum verdict start_others(const struct attack *a)
{
	static const u8 ids[] = {1, 2, 3, 0xfe};

	prepare();
	for (uint i = 0; i < ARRAY_SIZE(ids); i++) {
		send(ids[i], INIT);
		send(ids[i], SIPI);
	}
	return see_who_comes();
}

/* One store to the register for each way to write memory. RAX is the value,
 * RDI and RBX the address. */
#define STORE(name, text)                                            \
	static void do_##name(void *value)                           \
	{                                                            \
		volatile u32 *icr = &apic()[LAPIC_ICR_LOW / 4];      \
		u64 clobbered = (u64)value;                          \
                                                                     \
		asm volatile(text                                    \
			     : "+a"(clobbered), "+D"(icr)            \
			     : "b"(icr)                              \
			     : "rcx", "rdx", "rsi", "memory", "cc"); \
	}

STORE(mov, "movl %%eax, (%%rdi)")
STORE(xchg, "xchgl %%eax, (%%rdi)")
STORE(or, "andl $0, (%%rdi); orl %%eax, (%%rdi)")
STORE(xadd, "andl $0, (%%rdi); lock xaddl %%eax, (%%rdi)")
STORE(cmpxchg, "mov %%eax, %%ecx; mov (%%rdi), %%eax\n\t"
	       "lock cmpxchgl %%ecx, (%%rdi)")
STORE(bts, "btrl $14, %%eax; mov %%eax, (%%rdi); btsl $14, (%%rdi)")
STORE(movnti, "movnti %%eax, (%%rdi)")
STORE(stos, "cld; stosl")
STORE(movs, "mov %%eax, store_source; mov $store_source, %%esi\n\t"
	    "cld; movsl")
STORE(push, "mov %%rsp, %%rdx; lea 8(%%rdi), %%rsp; push %%rax\n\t"
	    "mov %%rdx, %%rsp")
STORE(movss, "movd %%eax, %%xmm0; movss %%xmm0, (%%rdi)")
STORE(movups, "movd %%eax, %%xmm0; movups %%xmm0, (%%rdi)")
STORE(wide, "movq %%rax, (%%rdi)")
STORE(from_below, "shl $32, %%rax; movq %%rax, -4(%%rdi)")
STORE(two_bytes, "shl $48, %%rax; movq %%rax, -6(%%rdi)")

u32 store_source; /* of MOVS */

/* The same CPU, by another kind of instruction. What Vellum can't do for the
 * guest is an exception in it. */
static enum verdict start_by(const struct attack *a)
{
	int vector;

	prepare();
	write_cr4(read_cr4() | CR4_OSFXSR);
	apic()[LAPIC_ICR_HIGH / 4] = 1 << 24;
	vector = try(a->code, (void *)INIT);
	if (vector == NO_FAULT)
		vector = try(a->code, (void *)(u64)SIPI);
	if (vector != NO_FAULT) {
		note("%s", fault_name(vector));
		send(0, INIT | OTHERS);
		return REFUSED;
	}
	return see_who_comes();
}

/* By a store that is no 32-bit register. Where Vellum does not watch the page,
 * as there is no other CPU, the APIC itself gets it, and Bochs ends at that. */
static enum verdict start_by_odd(const struct attack *a)
{
	s64 before = count_exits();

	apic()[LAPIC_ICR_HIGH / 4] = 1 << 24;
	if (count_exits() == before) {
		note("not tried: there is no other CPU, and no exit");
		return AS_ON_HARDWARE;
	}
	return start_by(a);
}

/* An NMI to a CPU that waits for its start-up IPI is lost. */
static enum verdict nmi_to_one_that_waits(const struct attack *a)
{
	prepare();
	set_nmi_vector();
	send(1, INIT);
	for (uint i = 0; i < 20; i++)
		send(1, ICR_MODE_NMI | ICR_ASSERT);
	send(1, SIPI);
	return see_who_comes();
}

/* At last CPU 1 runs, so that it can be seen from outside. */
static enum verdict leave_one_running(const struct attack *a)
{
	enum verdict verdict;

	prepare();
	send(1, INIT);
	send(1, SIPI);
	verdict = see_who_comes();
	page->alive = 0;
	send(1, SIPI);
	within(A_WHILE, &page->alive, 1);
	return verdict;
}

ATTACKS = {
	{"a start of CPU 1", start, SHOWN_BY("06-attack-open-page"), TO(1, 0)},
	{"a start of all others", start, SHOWN_BY("06-attack-open-page"),
	 TO(0, OTHERS)},
	{"a start by broadcast", start, SHOWN_BY("06-attack-open-page"),
	 TO(0xff, OTHERS)},
	{"a start of other APIC IDs", start_others,
	 SHOWN_BY("06-attack-open-page")},
	{"a start by XCHG", start_by, SHOWN_BY("06-attack-open-page"),
	 .code = do_xchg},
	{"a start by MOV", start_by, SHOWN_BY("06-attack-open-page"),
	 .code = do_mov},
	{"a start by AND and OR", start_by, SHOWN_BY("06-attack-open-page"),
	 .code = do_or},
	{"a start by XADD", start_by, SHOWN_BY("06-attack-open-page"),
	 .code = do_xadd},
	{"a start by CMPXCHG", start_by, SHOWN_BY("06-attack-open-page"),
	 .code = do_cmpxchg},
	{"a start by BTS", start_by, SHOWN_BY("06-attack-open-page"),
	 .code = do_bts},
	{"a start by MOVNTI", start_by, SHOWN_BY("06-attack-open-page"),
	 .code = do_movnti},
	{"a start by STOS", start_by, SHOWN_BY("06-attack-open-page"),
	 .code = do_stos},
	{"a start by MOVS", start_by, SHOWN_BY("06-attack-open-page"),
	 .code = do_movs},
	{"a start by PUSH", start_by_odd, SHOWN_BY("06-attack-wide"),
	 .code = do_push},
	{"a start by MOVSS", start_by, SHOWN_BY("06-attack-open-page"),
	 .code = do_movss},
	{"a start by MOVUPS, 16 bytes", start_by_odd,
	 SHOWN_BY("06-attack-wide"), .code = do_movups},
	{"a start by MOV, 8 bytes", start_by_odd, SHOWN_BY("06-attack-wide"),
	 .code = do_wide},
	{"a start by MOV, 8 bytes from 0x2fc on", start_by_odd,
	 SHOWN_BY("06-attack-bytes"), .code = do_from_below},
	{"a start by MOV, 8 bytes from 0x2fa on", start_by_odd,
	 SHOWN_BY("06-attack-bytes"), .code = do_two_bytes},
	{"NMIs to a CPU that waits", nmi_to_one_that_waits,
	 SHOWN_BY("06-attack-open-page")},
	{"a CPU that goes on", leave_one_running,
	 SHOWN_BY("06-attack-open-page")},
};

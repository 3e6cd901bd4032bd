/*
 * What the bare-metal test guests share: a way to print, to check, to survive
 * exceptions, and to call the BIOS. They are C programs in long mode without
 * an operating system; each image is a boot disk (boot.S) that runs the tests
 * linked into it, one after the other (main.c).
 */
#ifndef GUEST_TEST_METAL_GUEST_H
#define GUEST_TEST_METAL_GUEST_H

#include "lib/cpu.h"
#include "lib/types.h"

/*
 * Define a test; the body follows:
 *
 *	GUEST_TEST(memory)
 *	{
 *		check(x == 1, "x is %u", x);
 *	}
 */
struct guest_test {
	const char *name;
	void (*run)(void);
};

#define GUEST_TEST(tag)                                                     \
	static void test_##tag(void);                                       \
	static const struct guest_test guest_test_##tag __used __aligned(8) \
		__attribute__((section(".tests"))) = {#tag, test_##tag};    \
	static void test_##tag(void)

/* Print a line "guest: <test>: ..."; the newline is added. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* If @good is false, say that the test failed, and how. Returns @good. */
bool check(bool good, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "#GP" or the like; what try() returns. */
const char *fault_name(int vector);

/*
 * As say(), with the number of exits since count_exits() returned @before.
 * Nothing is known of them (-1) where nobody answers: see hypercall().
 */
void say_exits(s64 before, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
s64 count_exits(void);

/* Wait for a key on the serial console. */
char read_key(void);

/* Under whom do we run? The values are those of Vellum's CPUID leaf. */
enum below {
	BELOW_NATIVE = 0,
	BELOW_VMX = 1,
	BELOW_SVM = 2,
};
enum below below(void);

/* Vellum's leaves. */
#define CPUID_VELLUM 0x40000000

/* Stack at the entry of an exception or interrupt handler. */
struct frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

#define VECTORS 48 /* exceptions, then 16 for interrupts */
#define IRQ0    32

/* Have @handler called for @vector; NULL: back to the default. */
void set_handler(uint vector, void (*handler)(struct frame *));

/* Run @fn(@arg); the vector of the exception that ended it, or NO_FAULT. */
#define NO_FAULT (-1)
int try(void (*fn)(void *), void *arg);

/* An MSR access, as a try: a vector or NO_FAULT. */
int try_rdmsr(u32 msr, u64 *value);
int try_wrmsr(u32 msr, u64 value);

/* XSETBV, likewise. */
int try_xsetbv(u32 index, u64 value);

/* Registers of a call of the BIOS, in and out. The layout is runtime.S's. */
struct real_regs {
	u32 eax, ebx, ecx, edx, esi, edi, ebp;
	u16 es, flags;
} __packed;

#define FLAGS_CF 1

/* Call BIOS interrupt @vector: through real mode and back to long mode. */
void bios_call(uint vector, struct real_regs *regs);

/* A page below 64 KiB for what the BIOS is to read or write (ES 0). */
extern u8 low_buffer[512];

/* One entry of INT 15h E820, and the whole map, asked for once. */
struct e820 {
	u64 base, size;
	u32 type;
} __packed;

#define E820_MAX 160
uint e820_map(const struct e820 **map);

/* The BIOS data area's word at @address. (GCC takes any pointer below 4 KiB
 * that it can see for a mistake.) */
static inline u16 bda_word(u64 address)
{
	asm("" : "+r"(address));
	return *(volatile u16 *)address;
}

/* Vellum's range, as E820 shows it: reserved, >= 128 MiB, 4 MiB aligned, below
 * 4 GiB; false when there is none. */
bool find_hidden(u64 *base, u64 *size);

/* A hypercall's registers (vmm/hypercall.c); only its results are set. */
struct hypercall {
	u64 rax, rbx, rcx, rdx, rsi, rdi, r8;
};

#define HYPERCALL_INFO  0
#define HYPERCALL_STATS 1
#define HYPERCALL_LOG   2
#define HYPERCALL_FREE  3

/* Ask Vellum. False when it does not listen: the instruction is no such. */
bool hypercall(struct hypercall *h, u64 command, u64 argument);

/* How many lines of Vellum's log begin with @start? -1: nobody answers. */
int count_in_log(const char *start);

/* The same, and the last of them, cut to LOG_LINE - 1 characters. */
#define LOG_LINE 256
int find_in_log(const char *start, char found[LOG_LINE]);

/* The drive that the BIOS booted. */
u8 boot_drive(void);

/* ACPI's port for sleep states; 0: this machine has another chip. */
u16 sleep_port(void);
void power_off(void);

/* Interrupts 0 to 15 become vectors from IRQ0 on; those in @wanted come. */
void pic_init(u16 wanted);
void pic_end_irq(void);

#endif

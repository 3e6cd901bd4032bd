/*
 * Runs the tests of the image, in the order in which they were linked, and
 * gives them what guest.h promises.
 */
#include "guest/test/metal/guest.h"

#include <stdarg.h>

#include "console/printf_engine.h"
#include "guest/test/metal/layout.h"
#include "lib/string.h"

extern const struct guest_test tests_start[], tests_end[];
extern const char vector_stubs[], try_failed[];
extern u64 try_rsp;
extern u8 real_drive;

#define COM1 0x3f8

static const char *test_name;
static uint failures;
static void (*handlers[VECTORS])(struct frame *);

/* A gate of the interrupt descriptor table (SDM 3A 6.14.1). */
static struct gate {
	u16 offset_0;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_16;
	u32 offset_32;
	u32 reserved;
} __packed idt[VECTORS];

_Static_assert(sizeof(struct gate) == 16, "SDM 3A 6.14.1");

#define GATE_INTERRUPT 0x8e

static void put(struct sink *sink, char c)
{
	while (!(inb(COM1 + 5) & 0x20))
		cpu_pause();
	outb(COM1, c);
}

static struct sink serial = {put};

static void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	format_to(&serial, format, args);
	va_end(args);
}

void say(const char *format, ...)
{
	va_list args;

	print("guest: %s: ", test_name);
	va_start(args, format);
	format_to(&serial, format, args);
	va_end(args);
	print("\r\n");
	while (!(inb(COM1 + 5) & 0x40)) /* all is out, should Vellum reset it */
		cpu_pause();
}

void say_exits(s64 before, const char *format, ...)
{
	s64 after = count_exits();
	va_list args;

	print("guest: %s: ", test_name);
	va_start(args, format);
	format_to(&serial, format, args);
	va_end(args);
	if (before >= 0)
		print(": %ld exit%s", after - before,
		      after - before == 1 ? "" : "s");
	print("\r\n");
}

const char *fault_name(int vector)
{
	switch (vector) {
	case NO_FAULT:
		return "works";
	case VECTOR_UD:
		return "#UD";
	case VECTOR_GP:
		return "#GP";
	case VECTOR_PF:
		return "#PF";
	default:
		return "another exception";
	}
}

char read_key(void)
{
	while (!(inb(COM1 + 5) & 1))
		cpu_pause();
	return inb(COM1);
}

bool check(bool good, const char *format, ...)
{
	va_list args;

	if (good)
		return true;
	failures++;
	print("guest: %s: FAILED: ", test_name);
	va_start(args, format);
	format_to(&serial, format, args);
	va_end(args);
	print("\r\n");
	return false;
}

void set_handler(uint vector, void (*handler)(struct frame *))
{
	handlers[vector] = handler;
}

void exception(struct frame *frame);

/* Called by the stubs in runtime.S. */
void exception(struct frame *frame)
{
	if (handlers[frame->vector]) {
		handlers[frame->vector](frame);
	} else if (frame->vector < IRQ0 && try_rsp) {
		frame->rip = (u64)try_failed;
		frame->rsp = try_rsp;
		frame->rax = frame->vector;
	} else {
		print("guest: %s: FAILED: exception %lu, error 0x%lx, at "
		      "0x%lx, CR2 0x%lx\r\nguest: done\r\n",
		      test_name, frame->vector, frame->error, frame->rip,
		      read_cr2());
		cpu_halt_forever();
	}
}

static void load_idt(void)
{
	struct {
		u16 limit;
		u64 base;
	} __packed pointer = {sizeof(idt) - 1, (u64)idt};

	for (uint i = 0; i < VECTORS; i++) {
		u64 stub = (u64)vector_stubs + 16 * i;

		idt[i] = (struct gate){
			.offset_0 = stub,
			.selector = SEL_CODE64,
			.type = GATE_INTERRUPT,
			.offset_16 = stub >> 16,
			.offset_32 = stub >> 32,
		};
	}
	asm volatile("lidt %0" : : "m"(pointer));
}

/* Asked once: the question is an exit. */
enum below below(void)
{
	static int known = -1;
	struct cpuid_regs r;

	if (known >= 0)
		return known;
	r = cpuid(CPUID_VELLUM, 0);
	if (memcmp(&r.ebx, "Vell", 4) || memcmp(&r.ecx, "umVe", 4) ||
	    memcmp(&r.edx, "llum", 4))
		known = BELOW_NATIVE;
	else
		known = cpuid(CPUID_VELLUM + 1, 0).ebx;
	return known;
}

u8 boot_drive(void)
{
	return real_drive;
}

void guest_main(void);

void guest_main(void)
{
	load_idt();
	for (const struct guest_test *t = tests_start; t != tests_end; t++) {
		test_name = t->name;
		failures = 0;
		t->run();
		if (failures)
			print("guest: %s: FAILED (%u checks)\r\n", t->name,
			      failures);
		else
			print("guest: %s: ok\r\n", t->name);
	}
	print("guest: done\r\n");
	power_off();
	cpu_halt_forever();
}

/*
 * A guest that wants out. It tries what a guest could do to get past Vellum,
 * or to make it fall, and says of each attempt how it went:
 *
 *	as on hardware	the bare machine would have answered so, too
 *	refused		Vellum would not have it
 *	ESCAPED		it reached something that is not the guest's
 *
 * It is not the only judge: `make run` looks at Vellum's memory and CPUs from
 * outside, before and after (tools/outside.py).
 * Book: "What Vellum does not protect against".
 */
#include "guest/test/metal/attack.h"

#include "console/printf.h"

extern const struct attack attacks_start[], attacks_end[];

static char noted[64];

void note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(noted, sizeof(noted), format, args);
	va_end(args);
}

enum verdict attempt_code(const struct attack *a)
{
	int vector = try(a->code, (void *)hidden_page(0));

	note("%s", fault_name(vector));
	if (vector == VECTOR_UD)
		return AS_ON_HARDWARE;
	return vector == VECTOR_GP ? REFUSED : ESCAPED;
}

u64 hidden_page(uint n)
{
	u64 base, size;

	return find_hidden(&base, &size) ? base + size / 2 + n * PAGE_SIZE : 0;
}

static enum verdict try_one(const struct attack *a)
{
	static const char *const words[] = {"as on hardware", "refused",
					    "ESCAPED"};
	enum verdict verdict;

	noted[0] = '\0';
	verdict = a->attempt(a);
	say("%s: %s%s%s%s%s", a->name, words[verdict], noted[0] ? ", " : "",
	    noted, a->tested_by ? "; no emulator shows it: host test " : "",
	    a->tested_by ? a->tested_by : "");
	return verdict;
}

/* Bochs' debugger, where it is told to, stops here. Elsewhere it is no more
 * than an exchange of a register with itself. */
static void let_debugger_look(void)
{
	asm volatile("xchg %%bx, %%bx" : : : "bx");
}

static void triple_fault(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt = {0, 0};

	asm volatile("lidt %0; ud2" : : "m"(no_idt));
}

GUEST_TEST(attack)
{
	uint count[ESCAPED + 1] = {0};

	if (!below()) {
		say("no Vellum below: there is nothing to get past");
		return;
	}
	let_debugger_look();
	for (const struct attack *a = attacks_start; a != attacks_end; a++)
		if (!a->only || a->only == below())
			count[try_one(a)]++;
	let_debugger_look();
	say("%u attempts: %u as on hardware, %u refused, %u ESCAPED",
	    count[AS_ON_HARDWARE] + count[REFUSED] + count[ESCAPED],
	    count[AS_ON_HARDWARE], count[REFUSED], count[ESCAPED]);
	check(!count[ESCAPED], "something got past Vellum");
	say("the last one: press t for a triple fault, or another key to "
	    "power off");
	if (read_key() == 't')
		triple_fault();
}

/*
 * The table of contents of the program: what runs, and in which order.
 *
 * boot_main() knows no layer by name. It walks the phases of lib/init.h; each
 * layer has put its own functions there with INIT(). A stage without a guest
 * has an empty last phase, so boot_main() comes to its end and says so.
 * Book: chapter 1.
 */
#include "boot/layout.h"
#include "boot/multiboot.h"
#include "boot/phases.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/init.h"
#include "lib/percpu.h"

struct boot_info boot_info __attribute__((section(".data")));

PERCPU(u64, self_offset);
PERCPU(u32, cpu_number);

extern u64 entry_tsc;

#define PHASE(name)    \
	[INIT_PHASE_## \
		name] = {#name, __init_##name##_start, __init_##name##_end}
#define DECLARE_PHASE(name)                                     \
	extern const struct init_entry __init_##name##_start[], \
		__init_##name##_end[]

DECLARE_PHASE(trap);
DECLARE_PHASE(console);
DECLARE_PHASE(memory);
DECLARE_PHASE(heap);
DECLARE_PHASE(device);
DECLARE_PHASE(cpu);
DECLARE_PHASE(cpus);
DECLARE_PHASE(guest);

static const struct {
	const char *name;
	const struct init_entry *start, *end;
} phases[INIT_PHASES] = {
	PHASE(trap),   PHASE(console), PHASE(memory), PHASE(heap),
	PHASE(device), PHASE(cpu),     PHASE(cpus),   PHASE(guest),
};

static const char *end_reason;
static enum boot_result end_result;

bool init_phase_has_entries(enum init_phase phase)
{
	return phases[phase].start != phases[phase].end;
}

void init_run(enum init_phase phase)
{
	for (const struct init_entry *e = phases[phase].start;
	     e != phases[phase].end; e++)
		e->fn();
}

void boot_end(enum boot_result result, const char *why)
{
	end_result = result;
	end_reason = why;
}

bool boot_is_ending(void)
{
	return end_reason;
}

static void print_boot_order(void)
{
	printf("boot order:\n");
	for (uint phase = 0; phase < INIT_PHASES; phase++) {
		printf("  %-8s", phases[phase].name);
		for (const struct init_entry *e = phases[phase].start;
		     e != phases[phase].end; e++)
			printf(" %s", e->name);
		printf("\n");
	}
}

enum boot_result boot_phases(int error)
{
	boot_info.entry_tsc = entry_tsc;
	init_run(INIT_PHASE_trap);
	init_run(INIT_PHASE_console);
	if (error)
		panic("no usable boot information (error %d)", error);
	if (!end_reason)
		print_boot_order();
	for (enum init_phase phase = INIT_PHASE_memory;
	     phase < INIT_PHASES && !end_reason; phase++)
		init_run(phase);

	if (!end_reason)
		boot_end(BOOT_NOTHING, "nothing to boot in this stage");
	printf("vellum: %s; %s\n", end_reason,
	       boot_info.firmware == BOOT_UEFI ? "back to the firmware"
					       : "halted");
	return end_result;
}

static const void *early_ptr(phys_t p)
{
	return phys_to_direct(p);
}

void boot_main(u32 magic, u32 info);

/* Called once by entry.S, on CPU 0's stack, with interrupts off. */
void boot_main(u32 magic, u32 info)
{
	boot_info.vmm_base = PHYS(VMM_LOAD);
	boot_info.vmm_size = image_end - image_start;
	boot_phases(multiboot_parse(&boot_info, magic, info, early_ptr));
}

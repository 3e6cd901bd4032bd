/*
 * What a triple fault does on a PC: the chipset resets everything. For a guest
 * that had one, and for whoever wants to start over after a panic.
 *
 * No way works on every machine, so all are tried, and how far we came is told:
 * the last message on the screen names the way that hangs. Book: chapter 1.
 */
#include "lib/reset.h"

#include "console/printf.h"
#include "lib/cpu.h"

/* The chipset's reset control register (Intel 82371SB, 2.5.8). */
#define RESET_CONTROL 0xcf9
#define RESET_HARD    0x02 /* everything, not the CPUs alone, */
#define RESET_NOW     0x04 /* when this bit goes from 0 to 1 */

#define I8042_STATUS     0x64 /* to read, */
#define I8042_COMMAND    0x64 /* and to write */
#define I8042_INPUT_FULL 0x02
#define I8042_RESET_CPU  0xfe

/* A read of a port takes about 1 us: how long a way may take to work, and the
 * keyboard controller to take a command. */
#define PATIENCE 250000

void (*machine_reset_prepare)(void);
void (*machine_reset_by_firmware)(void);

static void prepare(void)
{
	if (machine_reset_prepare)
		machine_reset_prepare();
}

static void reset_by_firmware(void)
{
	if (machine_reset_by_firmware)
		machine_reset_by_firmware();
}

static void reset_by_chipset(void)
{
	printf("reset: the chipset, port 0x%x\n", RESET_CONTROL);
	outb(RESET_CONTROL, RESET_HARD);
	outb(RESET_CONTROL, RESET_HARD | RESET_NOW);
}

static void reset_by_keyboard_controller(void)
{
	printf("reset: the keyboard controller, port 0x%x\n", I8042_COMMAND);
	for (uint i = 0; i < PATIENCE; i++)
		if (!(inb(I8042_STATUS) & I8042_INPUT_FULL))
			break;
	outb(I8042_COMMAND, I8042_RESET_CPU);
}

/* With an IDT of no entries. */
static void reset_by_triple_fault(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt = {0, 0};

	printf("reset: a triple fault\n");
	asm volatile("lidt %0; int3" : : "m"(no_idt));
}

/*
 * In this order: the last two may come as an INIT, which a CPU in VMX operation
 * does not take (SDM 3C 24.8).
 */
void machine_reset(void)
{
	static void (*const steps[])(void) = {
		prepare,
		reset_by_firmware,
		reset_by_chipset,
		reset_by_keyboard_controller,
		reset_by_triple_fault,
	};
	static u32 next;
	u32 i;

	while ((i = __atomic_fetch_add(&next, 1, __ATOMIC_SEQ_CST)) <
	       ARRAY_SIZE(steps)) {
		steps[i]();
		for (uint wait = 0; wait < PATIENCE && i; wait++)
			inb(I8042_STATUS);
	}
	printf("reset: nothing has worked\n");
	cpu_halt_forever();
}

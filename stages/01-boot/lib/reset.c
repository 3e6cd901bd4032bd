/*
 * What a triple fault does on a PC: the chipset resets everything. For a guest
 * that had one, and for whoever presses a key after a panic. Book: chapter 1.
 */
#include "lib/reset.h"

#include "lib/cpu.h"

/* The chipset's reset control register (Intel 82371SB, 2.5.8). */
#define RESET_CONTROL 0xcf9
#define RESET_HARD    0x02 /* everything, not the CPUs alone, */
#define RESET_NOW     0x04 /* when this bit goes from 0 to 1 */

#define I8042_COMMAND   0x64
#define I8042_RESET_CPU 0xfe

/*
 * We ask the chipset, then the keyboard controller, then take a triple fault
 * ourselves, with an IDT of no entries. In this order: the latter two may come
 * as an INIT, which a CPU in VMX operation does not take (SDM 3C 24.8).
 */
void machine_reset(void)
{
	static const struct {
		u16 limit;
		u64 base;
	} __packed no_idt = {0, 0};

	outb(RESET_CONTROL, RESET_HARD);
	outb(RESET_CONTROL, RESET_HARD | RESET_NOW);
	outb(I8042_COMMAND, I8042_RESET_CPU);
	asm volatile("lidt %0; int3" : : "m"(no_idt));
	cpu_halt_forever();
}

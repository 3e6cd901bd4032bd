/*
 * Two clocks that every PC has at a frequency that is known: ACPI's power
 * management timer, and counter 2 of the old interval timer, behind the
 * speaker. The TSC's frequency is not known, and a loop's speed even less.
 */
#include "smp/delay.h"

#include "console/printf.h"
#include "lib/cpu.h"
#include "smp/cpus.h"
#include "smp/panic.h"

#define PM_HZ   3579545UL /* ACPI 6.5, 4.8.2.1 */
#define PM_MASK 0xffffffU /* 24 bits are always there */

#define FADT_PM_TIMER_BLOCK  76
#define FADT_PM_TIMER_LENGTH 91

#define PIT_HZ       1193182UL
#define PIT_MOST     50000 /* microseconds that 16 bits hold */
#define PIT_COUNTER2 0x42
#define PIT_COMMAND  0x43
#define PIT_ONE_SHOT 0xb0 /* counter 2, low and high byte, mode 0 */
#define SPEAKER      0x61
#define SPEAKER_GATE BIT(0)
#define SPEAKER_ON   BIT(1)
#define SPEAKER_OUT  BIT(5)

/* Reads of a timer's port, of 10 ns at the very least: a guest on another CPU
 * may have stopped the timer, and then we do not wait for it for ever. */
#define READS_MOST(us) ((u64)(us)*100 + 10000)

static u16 pm_port;

u16 fadt_pm_timer(const struct acpi_table *fadt)
{
	if (fadt->size <= FADT_PM_TIMER_LENGTH ||
	    fadt->data[FADT_PM_TIMER_LENGTH] != 4)
		return 0;
	return acpi_get32(fadt->data + FADT_PM_TIMER_BLOCK);
}

static u32 pm_read(void)
{
	return inl(pm_port) & PM_MASK;
}

/* A timer that stands still would be waited for without end. */
static bool pm_runs(void)
{
	u32 start = pm_read();

	for (uint i = 0; i < 10000; i++)
		if (pm_read() != start)
			return true;
	return false;
}

void delay_init(void)
{
	struct acpi_table fadt;

	if (smp_find_table("FACP", &fadt) || fadt.doubtful)
		return;
	pm_port = fadt_pm_timer(&fadt);
	if (pm_port && !pm_runs()) {
		printf("smp: the ACPI timer stands still: PIT instead\n");
		pm_port = 0;
	}
}

static void pm_delay(uint us)
{
	u32 ticks = us * PM_HZ / 1000000 + 1, last = pm_read(), now;

	u64 passed = 0;

	for (u64 i = 0; passed < ticks && i < READS_MOST(us); i++) {
		cpu_pause();
		now = pm_read();
		passed += (now - last) & PM_MASK;
		last = now;
	}
}

static void pit_delay(uint us)
{
	u16 count = us * PIT_HZ / 1000000 + 1;
	u8 speaker = inb(SPEAKER);

	outb(SPEAKER, (speaker & ~SPEAKER_ON) | SPEAKER_GATE);
	outb(PIT_COMMAND, PIT_ONE_SHOT);
	outb(PIT_COUNTER2, count & 0xff);
	outb(PIT_COUNTER2, count >> 8);
	for (u64 i = 0; !(inb(SPEAKER) & SPEAKER_OUT) && i < READS_MOST(us);
	     i++)
		cpu_pause();
	outb(SPEAKER, speaker);
}

/* Who waits for another CPU does it here, and may be called in vain: on AMD's,
 * no NMI comes through. */
void delay(uint us)
{
	smp_stop_if_panic();
	if (pm_port) {
		pm_delay(us);
		return;
	}
	for (; us > PIT_MOST; us -= PIT_MOST)
		pit_delay(PIT_MOST);
	pit_delay(us);
}

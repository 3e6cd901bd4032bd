/*
 * Two clocks that every PC has at a frequency that is known: ACPI's power
 * management timer (CONFIG_ACPI_TIME_SOURCE), and counter 2 of the old interval
 * timer, behind the speaker. The TSC's frequency is not known until it has been
 * measured by the first, and a loop's speed even less.
 */
#include "smp/delay.h"

#include "console/printf.h"
#include "lib/cpu.h"
#include "smp/cpus.h"
#include "smp/panic.h"

#define PM_HZ      3579545UL /* ACPI 6.5, 4.8.3.3 */
#define PM_24_BITS 0xffffffU
#define PM_32_BITS 0xffffffffU

#define FADT_PM_TIMER_BLOCK  76
#define FADT_PM_TIMER_LENGTH 91
#define FADT_FLAGS           112
#define FADT_TMR_VAL_EXT     BIT(8) /* the timer has 32 bits */

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

#define CHECK_US    1000 /* how long the TSC is watched, twice */
#define CHECK_READS 8

static struct pm_timer pm;
static u64 tsc_khz; /* measured; 0: the TSC is not to be relied upon */

struct pm_timer fadt_pm_timer(const struct acpi_table *fadt)
{
	struct pm_timer timer = {0, PM_24_BITS};

	if (fadt->size <= FADT_PM_TIMER_LENGTH ||
	    fadt->data[FADT_PM_TIMER_LENGTH] != 4)
		return timer;
	timer.port = acpi_get32(fadt->data + FADT_PM_TIMER_BLOCK);
	if (fadt->size >= FADT_FLAGS + 4 &&
	    acpi_get32(fadt->data + FADT_FLAGS) & FADT_TMR_VAL_EXT)
		timer.mask = PM_32_BITS;
	return timer;
}

static u32 pm_read(void)
{
	return inl(pm.port) & pm.mask;
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

/*
 * The timer has stopped: it has been read too often, or the TSC says that it is
 * long past the time.
 */
static bool pm_is_stuck(uint us, u64 reads, u64 cycles)
{
	return tsc_khz ? cycles > 2 * us * tsc_khz / 1000
		       : reads >= READS_MOST(us);
}

static void pm_delay(uint us)
{
	u32 ticks = us * PM_HZ / 1000000 + 1, last = pm_read(), now;
	u64 passed = 0, start = rdtsc();

	for (u64 i = 0; passed < ticks && !pm_is_stuck(us, i, rdtsc() - start);
	     i++) {
		cpu_pause();
		now = pm_read();
		passed += (now - last) & pm.mask;
		last = now;
	}
}

/* Both clocks at one moment: of several reads the one that took least, for an
 * SMI, or an emulator's host, may have come between. */
static u32 read_both(u64 *tsc)
{
	u64 least = ~0UL;
	u32 ticks = 0;

	for (uint i = 0; i < CHECK_READS; i++) {
		u64 before = rdtsc();
		u32 now = pm_read();
		u64 took = rdtsc() - before;

		if (took >= least)
			continue;
		least = took;
		ticks = now;
		*tsc = before + took / 2;
	}
	return ticks;
}

static u64 measure_tsc(void)
{
	u64 from, to;
	u32 start = read_both(&from), ticks;

	pm_delay(CHECK_US);
	ticks = (read_both(&to) - start) & pm.mask;
	return ticks ? (to - from) * PM_HZ / 1000 / ticks : 0;
}

/* It may change its pace with the CPU's, or stop: then it is of no use. Two
 * measurements that agree to within a sixteenth say that it does not. */
static void check_tsc(void)
{
	u64 first = measure_tsc(), second = measure_tsc();
	u64 more = MAX(first, second), less = MIN(first, second);

	tsc_khz = less && more - less <= more / 16 ? second : 0;
	if (tsc_khz)
		printf("smp: the ACPI timer has %u bits; in a microsecond of "
		       "it are %lu TSC cycles\n",
		       pm.mask == PM_32_BITS ? 32 : 24, tsc_khz / 1000);
	else
		printf("smp: the TSC is not steady: %lu kHz, then %lu kHz, by "
		       "the ACPI timer\n",
		       first, second);
}

void delay_init(void)
{
	struct acpi_table fadt;

	if (!CONFIG_ACPI_TIME_SOURCE || smp_find_table("FACP", &fadt) ||
	    fadt.doubtful)
		return;
	pm = fadt_pm_timer(&fadt);
	if (pm.port && !pm_runs()) {
		printf("smp: the ACPI timer stands still: PIT instead\n");
		pm.port = 0;
	}
	if (pm.port)
		check_tsc();
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
	if (pm.port) {
		pm_delay(us);
		return;
	}
	for (; us > PIT_MOST; us -= PIT_MOST)
		pit_delay(PIT_MOST);
	pit_delay(us);
}

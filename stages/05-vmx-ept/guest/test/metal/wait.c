/*
 * Waits for two NMIs from outside, such as a button on the machine's front
 * panel sends, or QEMU's monitor.
 */
#include "guest/test/metal/guest.h"

static volatile uint count;

static void on_nmi(struct frame *frame)
{
	count++;
}

GUEST_TEST(wait)
{
	set_handler(VECTOR_NMI, on_nmi);
	say("ready");
	for (uint i = 1; i <= 2; i++) {
		while (count < i)
			cpu_pause();
		say("NMI %u", count);
	}
	set_handler(VECTOR_NMI, NULL);
}

/*
 * Where the ways in meet: from Multiboot (main.c) and from UEFI (efi/).
 */
#ifndef BOOT_PHASES_H
#define BOOT_PHASES_H

#include "lib/types.h"

/* How it ended, for whoever called us. */
enum boot_result {
	BOOT_NOTHING, /* there is nothing to boot here: let him go on */
	BOOT_DONE,    /* what he asked for is done, and there is no more */
	BOOT_REFUSED,
};

/*
 * Run all phases, once boot_info is filled: on CPU 0's stack, with interrupts
 * off. @error says why it could not be filled, or is 0. Comes back when there
 * is nothing to boot.
 */
enum boot_result boot_phases(int error);

/*
 * Called by an INIT function: this phase is the last that runs, because of
 * @why, a constant, which becomes the program's last words.
 */
void boot_end(enum boot_result result, const char *why);

/* Has boot_end() been called? */
bool boot_is_ending(void);

#endif

/*
 * Where the ways in meet: from Multiboot (main.c) and from UEFI (efi/).
 */
#ifndef BOOT_PHASES_H
#define BOOT_PHASES_H

/*
 * Run all phases, once boot_info is filled: on CPU 0's stack, with interrupts
 * off. @error says why it could not be filled, or is 0. Comes back when there
 * is nothing to boot.
 */
void boot_phases(int error);

/*
 * Called by an INIT function: this phase is the last that runs, because of
 * @why, a constant, which becomes the program's last words.
 */
void boot_end(const char *why);

#endif

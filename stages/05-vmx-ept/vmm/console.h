/*
 * What becomes of our consoles when a guest starts.
 */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

/*
 * The guest is about to own the devices: from now on print only where the
 * command line's console= says (com1, com2, vga; none if it says nothing).
 */
void console_hand_over(void);

#endif

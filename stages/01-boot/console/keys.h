/*
 * The one thing that we ever read from a person: that a key was pressed.
 */
#ifndef CONSOLE_KEYS_H
#define CONSOLE_KEYS_H

#include "lib/types.h"

/*
 * Set up the keyboard, and drop what was typed so far, on it and on the serial
 * ports, which console_take_back() has set up. False: there is nothing to type
 * on, or keys come without end. For the panic path, on one CPU.
 */
bool keys_listen(void);

/* Wait for a key, for ever. After keys_listen(). */
void keys_wait(void);

#endif

/*
 * The one thing that we ever read from a person: keys.
 */
#ifndef CONSOLE_KEYS_H
#define CONSOLE_KEYS_H

#include "lib/types.h"

/*
 * Set up the keyboard, and drop what was typed so far, on it and on the serial
 * ports, which console_take_back() has set up. Says so if no keyboard answers.
 * False: there is nothing to type on, or keys come without end. For the panic
 * path, on one CPU.
 */
bool keys_listen(void);

/* Wait for a key, for ever. After keys_listen(). */
void keys_wait(void);

/* A byte that the keyboard has sent, in the codes of the first PC (set 1): a
 * key that was pressed or released, a prefix, or an answer; or -EAGAIN. */
int keyboard_code(void);

/* A character that has come over a serial port, or -EAGAIN. */
int serial_character(void);

#endif

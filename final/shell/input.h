/*
 * What a person types after a panic, on a serial port or on a keyboard.
 */
#ifndef SHELL_INPUT_H
#define SHELL_INPUT_H

#include "lib/types.h"

/* Set the devices up, and forget what was typed so far. False: there is nothing
 * to type on. For the panic path, on one CPU. */
bool input_begin(void);

/* A character, or -EAGAIN. Cursor keys and their like come as on a terminal:
 * ESC [ and a letter. */
int input_character(void);

#endif

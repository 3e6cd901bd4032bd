/*
 * A font for the framebuffer console.
 */
#ifndef EFI_FONT_H
#define EFI_FONT_H

#include "lib/types.h"

#define FONT_WIDTH  6 /* of a cell: 5 columns of dots, and a gap */
#define FONT_HEIGHT 9 /* 8 rows of dots, the last for what hangs down */

/* Is the dot in column @x, row @y of the cell of @c lit? */
bool font_dot(char c, uint x, uint y);

#endif

/*
 * Is the framebuffer still where the firmware has put it?
 */
#ifndef EFI_DISPLAY_H
#define EFI_DISPLAY_H

#include "lib/types.h"
#include "vmm/chipset.h"

/* Note what makes the machine decode @fb, an address of video memory. Once,
 * before there is a guest. */
void display_note(const struct chipset_bus *bus, phys_t fb);

/* Is all of that as it was? False, too, if nothing was found. */
bool display_is_unchanged(const struct chipset_bus *bus);

#endif

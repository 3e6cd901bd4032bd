/*
 * Where settings come from besides the command line: a text in the image,
 * made from the file defconfig when it is built, and the file vellum.conf that
 * the loader has brought along. Book: chapter 13.
 */
#ifndef SETTINGS_SOURCES_H
#define SETTINGS_SOURCES_H

#include "boot/settings.h"

/*
 * Read defconfig, vellum.conf and the command line, of which a later one
 * overrules an earlier one, and print what was set. Before anything overwrites
 * the loader's memory. Returns what settings_check() does.
 */
const char *settings_read_all(void);

/* Write "name=value (where it was set)" to @text of @size bytes; a value that
 * is too long for 32 is cut. */
void setting_describe(const struct setting *setting, char *text, size_t size);

#endif

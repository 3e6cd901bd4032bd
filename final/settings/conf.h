/*
 * The text of a file of settings, vellum.conf or defconfig:
 *
 *	# Vellum stays reachable from Linux
 *	hypercall
 *	console = com2
 *
 * Pure; the loader for UEFI has a copy of its own. It runs on the host, too.
 */
#ifndef SETTINGS_CONF_H
#define SETTINGS_CONF_H

#include "lib/types.h"

/* The longest vellum.conf that makes sense, comments included. */
#define CONF_MAX 4096

/*
 * Make words of the @size bytes at @text, in place, and end them with a NUL,
 * for which there must be room: # and the rest of its line are left out, so is
 * white space around "=". Lines stay lines. Returns 0, or -EINVAL for a byte
 * that is no ASCII text; then *@line says in which line.
 */
int conf_clean(char *text, size_t size, uint *line);

#endif

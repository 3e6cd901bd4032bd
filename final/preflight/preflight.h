/*
 * The preflight check: can this machine run Vellum?
 */
#ifndef PREFLIGHT_PREFLIGHT_H
#define PREFLIGHT_PREFLIGHT_H

#include "lib/types.h"

/*
 * Make the check, unless the command line is @wrong and does not ask for it.
 * NULL, or why no guest is started.
 */
const char *preflight(const char *wrong);

/* Was the check all that was asked for? */
bool preflight_asked(void);

#endif

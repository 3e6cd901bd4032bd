/*
 * The version is in this object alone, so that a commit recompiles one file.
 */
#include "lib/version.h"

const char vellum_version[] = VELLUM_VERSION;

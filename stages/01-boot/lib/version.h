/*
 * Which Vellum this is: what `git describe` says of the tree it was built from,
 * or the name that the release's archive carries (mk/version).
 */
#ifndef LIB_VERSION_H
#define LIB_VERSION_H

/* Such as "v1.0-12-g1a2b3c4", "1a2b3c4-dirty", or "unknown". */
extern const char vellum_version[];

#endif

/*
 * Kinds of values that only the whole program has settings for: addresses on a
 * network, and sizes.
 *
 * Each has a type for SETTING() (boot/settings.h), a function that asks for a
 * setting, and one that reads a value, for settings that can be several of
 * these. Pure; runs on the host, too. Book: chapter 13.
 */
#ifndef SETTINGS_TYPES_H
#define SETTINGS_TYPES_H

#include "boot/settings.h"

extern const struct setting_type ipv4_type;      /* 10.0.2.2 */
extern const struct setting_type ipv4_port_type; /* and perhaps :514 */
extern const struct setting_type mac_type;       /* 52:54:00:12:34:56 */
extern const struct setting_type size_type;      /* 64K; up to @max */

/*
 * The @length characters at @text as such a value; false if they are none. An
 * IPv4 address is a number whose first byte is the highest. A port stays as it
 * is when none is named; NULL: none may be. Only what can be one host's is
 * taken for a MAC address: it is not all zero, nor a group's.
 */
bool read_ipv4(const char *text, size_t length, u32 *address, u16 *port);
bool read_mac(const char *text, size_t length, u8 mac[6]);
bool read_size(const char *text, size_t length, u64 *size);

/* What the setting says, as above; false if it was not set. */
bool setting_ipv4(const struct setting *setting, u32 *address, u16 *port);
bool setting_mac(const struct setting *setting, u8 mac[6]);

/* The size in bytes; @otherwise if it was not set. */
u64 setting_size(const struct setting *setting, u64 otherwise);

#endif

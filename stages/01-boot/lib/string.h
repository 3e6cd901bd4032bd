/*
 * The few string functions that C code, and the compiler on its own account,
 * calls. In the image they are ours; in host tests they are the C library's.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include "lib/types.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

/*
 * Copy at most @size - 1 bytes of @src and end with a NUL. Returns false when
 * @src did not fit whole. @size must not be 0.
 */
static inline bool copy_string(char *dst, const char *src, size_t size)
{
	size_t i;

	for (i = 0; i < size - 1 && src[i]; i++)
		dst[i] = src[i];
	dst[i] = '\0';
	return src[i] == '\0';
}

#endif

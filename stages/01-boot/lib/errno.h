/*
 * Error numbers. Functions return 0 or one of these, negated; the values are
 * those of Linux, so that a tool in the guest can print them by name.
 */
#ifndef LIB_ERRNO_H
#define LIB_ERRNO_H

#define EPERM  1  /* the caller may not do this */
#define ENOENT 2  /* no such thing */
#define EINTR  4  /* somebody wants it to end */
#define E2BIG  7  /* a list is full */
#define EBADF  9  /* no such descriptor */
#define EAGAIN 11 /* not now */
#define ENOMEM 12 /* out of memory */
#define EFAULT 14 /* the access raised an exception */
#define EBUSY  16 /* in use */
#define EEXIST 17 /* already there */
#define ENODEV 19 /* the hardware is missing or switched off */
#define EINVAL 22 /* bad argument */
#define ENOSPC 28 /* no room of the kind asked for */
#define ERANGE 34 /* out of range */

#endif

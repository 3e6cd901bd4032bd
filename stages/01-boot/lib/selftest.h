/*
 * Self-tests that run at boot. Book: chapter 1.
 */
#ifndef LIB_SELFTEST_H
#define LIB_SELFTEST_H

/* A call that is made, and a function that is there, in a build with TEST=1. */
#ifdef VELLUM_TEST
#define SELFTEST(call) call
#else
#define SELFTEST(call) ((void)0)
#endif

#endif

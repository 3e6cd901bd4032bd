/*
 * What the log says of the boot itself.
 */
#ifndef BOOT_REPORT_H
#define BOOT_REPORT_H

/* A phase begins. The names are the headings of main.c. */
void boot_phase(const char *name);

/*
 * Who loaded us and with which words, and what the machine is: its CPU and its
 * memory. Panics if there is no usable boot information: @error says why, or
 * is 0.
 */
void report_machine(int error);

/* The last words, when no guest was started: @why. */
void boot_end(const char *why);

#endif

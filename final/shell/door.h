/*
 * The doors through which the guest's `vellumctl shell` comes in.
 */
#ifndef SHELL_DOOR_H
#define SHELL_DOOR_H

/* Open them, if the command line allows hypercalls. CPU 0, before any CPU has
 * its virtual CPU: see io_watch(). */
void shell_open_doors(void);

#endif

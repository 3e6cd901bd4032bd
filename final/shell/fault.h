/*
 * In test builds: failing on purpose.
 */
#ifndef SHELL_FAULT_H
#define SHELL_FAULT_H

/* Do what the word broken= names. CPU 0, when all CPUs have started. */
void fault_at_start(void);

#endif

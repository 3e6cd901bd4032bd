/*
 * Ports that a test answers for, in place of lib/cpu.h: in front of the file
 * under test, by the compiler's option -include.
 */
#ifndef FAKE_PORTS_H
#define FAKE_PORTS_H
#define LIB_CPU_H

#include "lib/types.h"

u8 inb(u16 port);
void outb(u16 port, u8 value);
void cpu_pause(void);

#endif

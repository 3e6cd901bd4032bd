/*
 * lib/cpu.h for host tests: the same names, but functions that answer from what
 * a test has set (host.h), where the machine's have an instruction. Structs and
 * constants are the original's. Host builds look here first, so
 * code that touches the machine is compiled as it is.
 */
#ifndef HOST_LIB_CPU_H
#define HOST_LIB_CPU_H

#define cpuid             machine_cpuid
#define rdmsr             machine_rdmsr
#define wrmsr             machine_wrmsr
#define rdtsc             machine_rdtsc
#define read_cr0          machine_read_cr0
#define read_cr2          machine_read_cr2
#define read_cr3          machine_read_cr3
#define read_cr4          machine_read_cr4
#define write_cr0         machine_write_cr0
#define write_cr2         machine_write_cr2
#define write_cr3         machine_write_cr3
#define write_cr4         machine_write_cr4
#define clear_breakpoints machine_clear_breakpoints
#define inb               machine_inb
#define inw               machine_inw
#define inl               machine_inl
#define outb              machine_outb
#define outw              machine_outw
#define outl              machine_outl
#define wbinvd            machine_wbinvd
#define cpu_pause         machine_cpu_pause

#include_next "lib/cpu.h"

#undef cpuid
#undef rdmsr
#undef wrmsr
#undef rdtsc
#undef read_cr0
#undef read_cr2
#undef read_cr3
#undef read_cr4
#undef write_cr0
#undef write_cr2
#undef write_cr3
#undef write_cr4
#undef clear_breakpoints
#undef inb
#undef inw
#undef inl
#undef outb
#undef outw
#undef outl
#undef wbinvd
#undef cpu_pause

struct cpuid_regs cpuid(u32 leaf, u32 subleaf);
u64 rdmsr(u32 msr);
void wrmsr(u32 msr, u64 value);
u64 rdtsc(void);

u64 read_cr0(void);
u64 read_cr2(void);
u64 read_cr3(void);
u64 read_cr4(void);
void write_cr0(u64 value);
void write_cr2(u64 value);
void write_cr3(u64 value);
void write_cr4(u64 value);
void clear_breakpoints(void);

u8 inb(u16 port);
u16 inw(u16 port);
u32 inl(u16 port);
void outb(u16 port, u8 value);
void outw(u16 port, u16 value);
void outl(u16 port, u32 value);

void wbinvd(void);
void cpu_pause(void);

#endif

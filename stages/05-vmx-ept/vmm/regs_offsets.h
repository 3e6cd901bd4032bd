/*
 * Offsets of the registers in struct guest_regs, for the entry code of both
 * back ends, which is assembly. regs_offsets.c checks them against the struct.
 */
#ifndef VMM_REGS_OFFSETS_H
#define VMM_REGS_OFFSETS_H

#define GUEST_REGS_RAX  0x00
#define GUEST_REGS_RCX  0x08
#define GUEST_REGS_RDX  0x10
#define GUEST_REGS_RBX  0x18
#define GUEST_REGS_RBP  0x20
#define GUEST_REGS_RSI  0x28
#define GUEST_REGS_RDI  0x30
#define GUEST_REGS_R8   0x38
#define GUEST_REGS_R9   0x40
#define GUEST_REGS_R10  0x48
#define GUEST_REGS_R11  0x50
#define GUEST_REGS_R12  0x58
#define GUEST_REGS_R13  0x60
#define GUEST_REGS_R14  0x68
#define GUEST_REGS_R15  0x70
#define GUEST_REGS_CR2  0x78
#define GUEST_REGS_SIZE 0x80

#endif

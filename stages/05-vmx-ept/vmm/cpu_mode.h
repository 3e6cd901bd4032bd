/*
 * In which mode is the guest?
 */
#ifndef VMM_CPU_MODE_H
#define VMM_CPU_MODE_H

#include "lib/types.h"

struct vcpu;

/* 2, 4 or 8: bytes of an address in the code that the guest is running. */
uint guest_address_size(struct vcpu *vcpu);

/* RIP cut to the mode's width, plus @length. */
u64 guest_next_rip(struct vcpu *vcpu, uint length);

#endif

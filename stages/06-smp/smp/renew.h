/*
 * When nested tables lose an entry, each CPU must forget what it knew of it.
 */
#ifndef SMP_RENEW_H
#define SMP_RENEW_H

struct vcpu;

/*
 * Entries of nested maps were forgotten (vmm/nested_root.h): have each CPU
 * flush. Returns when none is in the guest with what it knew before. At most
 * one CPU at a time may be here, and it must hold no lock.
 */
void smp_renew_maps(void);

/* This CPU's part of that, for who takes a call or a start-up IPI. */
void smp_renew_map(struct vcpu *vcpu);

#endif

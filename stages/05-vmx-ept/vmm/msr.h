/*
 * MSRs that Vellum answers in the machine's place.
 *
 * Most MSRs are the guest's and never exit. A layer that must see one puts an
 * entry into the table; back ends then intercept it:
 *
 *	MSR_HANDLER(some_name, 0x10, 0x17, read_function, NULL);
 */
#ifndef VMM_MSR_H
#define VMM_MSR_H

#include "lib/types.h"

struct vcpu;

/* Both return 0, or -EPERM for #GP. */
typedef int msr_read_fn(struct vcpu *vcpu, u32 msr, u64 *value);
typedef int msr_write_fn(struct vcpu *vcpu, u32 msr, u64 value);

struct msr_handler {
	u32 first, last;      /* the range of MSRs */
	msr_read_fn *read;    /* NULL: reads don't exit */
	msr_write_fn *write;  /* NULL: writes don't exit */
	bool (*wanted)(void); /* NULL: always; asked when a CPU is set up */
};

/* Deal with MSRs @first_..@last_; @tag makes the name of the entry. */
#define MSR_HANDLER(tag, first_, last_, read_, write_)                        \
	static const struct msr_handler msr_handler_##tag __used __aligned(8) \
		__attribute__((section(".table.msr." #tag))) = {              \
			first_, last_, read_, write_, NULL}

/* The same, but only where @wanted_() says so. */
#define MSR_HANDLER_IF(wanted_, tag, first_, last_, read_, write_)            \
	static const struct msr_handler msr_handler_##tag __used __aligned(8) \
		__attribute__((section(".table.msr." #tag))) = {              \
			first_, last_, read_, write_, wanted_}

/* Intercept on @vcpu every MSR that has a handler. Called once by create. */
void msr_intercept_all(struct vcpu *vcpu);

#endif

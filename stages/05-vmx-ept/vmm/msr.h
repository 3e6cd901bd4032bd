/*
 * MSRs that Vellum answers in the machine's place.
 *
 * Which MSRs a guest may write says msr_rules.c. A layer that must see one puts
 * an entry into a second table; back ends then intercept it:
 *
 *	MSR_HANDLER(some_name, 0x10, 0x17, read_function, NULL);
 */
#ifndef VMM_MSR_H
#define VMM_MSR_H

#include "lib/types.h"

struct vcpu;

/* Both return 0; or for a #GP -EPERM, which is Vellum's own and logged, or
 * -EFAULT, which the hardware raised (guarded_wrmsr()). */
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

/* Let the MSRs pass that @vcpu may write, and intercept those that have a
 * handler. Called once by create; until then every write exits, no read. */
void msr_intercept_all(struct vcpu *vcpu);

/* An msr_write_fn that takes the microcode update, and drops it. */
int msr_drop_microcode(struct vcpu *vcpu, u32 msr, u64 value);

#endif

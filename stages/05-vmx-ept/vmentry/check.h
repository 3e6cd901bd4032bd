/*
 * The VM-entry checker: the CPU's own checks, in C.
 *
 * When an entry fails, the CPU says little more than "a control", "the host's
 * state", "the guest's state". The rules are published, however, and so we can
 * go through them and name the one that is broken.
 *
 * The VMCS is read through a pointer, so that host tests can give the checker
 * one of their own. Book: chapter 5.
 */
#ifndef VMENTRY_CHECK_H
#define VMENTRY_CHECK_H

#include "vmx/caps.h"
#include "vmx/vmcs.h"

/* A rule, and the field that broke it. */
struct vmx_broken_rule {
	const char *section; /* of SDM 3C */
	enum vmcs_field field;
	u64 value;
	const char *rule; /* what ought to be so */
};

struct vmx_check {
	u64 (*read)(enum vmcs_field field);
	const struct vmx_caps *caps;
	void (*report)(struct vmx_check *check,
		       const struct vmx_broken_rule *broken);

	const char *section;          /* that is being checked */
	uint count;                   /* rules found broken */
	struct vmx_broken_rule first; /* of these */
};

/*
 * Go through all rules for the VMCS that @check reads; the first three members
 * are set by the caller, the others 0. Each broken rule is reported. Features
 * that Vellum never uses (virtual APIC, SMM, enclaves ...) have no rules.
 */
void vmx_check_entry(struct vmx_check *check);

/* Break the field that the command line's break-vmcs= names; test builds. */
void vmx_break_vmcs(void);

#endif

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
#ifndef VMX_CHECK_H
#define VMX_CHECK_H

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

/* Its parts, each in a file of that name. */
void vmx_check_controls(struct vmx_check *check);
void vmx_check_event(struct vmx_check *check);
void vmx_check_host(struct vmx_check *check);
void vmx_check_guest(struct vmx_check *check);
void vmx_check_segments(struct vmx_check *check);
void vmx_check_run_state(struct vmx_check *check);

/* The rule for @field is @rule; @holds says whether it is kept. */
void vmx_require(struct vmx_check *check, enum vmcs_field field, bool holds,
		 const char *rule);

/* Bits 63 up to the top of the linear address must be alike. */
void vmx_require_canonical(struct vmx_check *check, enum vmcs_field field);

/* No bits beyond the physical-address width. */
bool vmx_is_physical(const struct vmx_check *check, u64 address);
void vmx_require_physical(struct vmx_check *check, enum vmcs_field field);

/* Eight memory types, each one of 0, 1, 4, 5, 6, 7 (SDM 3A 12.12.2). */
void vmx_require_pat(struct vmx_check *check, enum vmcs_field field);

/* The field's value, in functions whose struct vmx_check is called "check". */
#define READ(name) check->read(VMCS_##name)

#endif

/*
 * VM-entry checks on the guest's segment registers (SDM 3C 27.3.1.2).
 *
 * A segment is its selector, base, limit and access rights:
 *
 *	16 unusable | 15 G | 14 D/B | 13 L | 12 AVL | 7 P | 6:5 DPL | 4 S | 3:0
 *
 * where 3:0 is the type.
 */
#include "lib/cpu.h"
#include "vmx/check.h"

enum segment {
	ES,
	CS,
	SS,
	DS,
	FS,
	GS,
	LDTR,
	TR
};

/* The fields of a segment, from those of ES. */
#define SELECTOR(s) (VMCS_GUEST_ES_SELECTOR + 2 * (s))
#define BASE(s)     (VMCS_GUEST_ES_BASE + 2 * (s))
#define LIMIT(s)    (VMCS_GUEST_ES_LIMIT + 2 * (s))
#define AR(s)       (VMCS_GUEST_ES_AR + 2 * (s))

#define AR_TYPE(ar) ((ar)&0xf)
#define AR_S        BIT(4)
#define AR_DPL(ar)  ((ar) >> 5 & 3)
#define AR_P        BIT(7)
#define AR_L        BIT(13)
#define AR_DB       BIT(14)
#define AR_G        BIT(15)
#define AR_UNUSABLE BIT(16)
#define AR_RESERVED 0xfffe0f00UL
#define AR_V86      0xf3UL

/* Types: bit 0 accessed; bit 3 code, with bit 2 conforming, bit 1 readable. */
#define TYPE_ACCESSED   BIT(0)
#define TYPE_READABLE   BIT(1)
#define TYPE_CONFORMING BIT(2)
#define TYPE_CODE       BIT(3)
#define TYPE_DATA_RW    3 /* read, write, accessed */
#define TYPE_STACK_DOWN 7 /* the same, expanding down */
#define TYPE_LDT        2
#define TYPE_TSS16      3  /* busy */
#define TYPE_TSS        11 /* busy, 32 or 64 bits */

/* What all segments have in common, system segments too. */
static void check_rights(struct vmx_check *check, enum segment s, bool system)
{
	u64 ar = check->read(AR(s)), limit = check->read(LIMIT(s));

	vmx_require(check, AR(s), !(ar & AR_S) == system,
		    "S must be 0 for LDTR and TR, else 1");
	vmx_require(check, AR(s), ar & AR_P, "P must be 1");
	vmx_require(check, AR(s), !(ar & AR_RESERVED),
		    "reserved bits must be 0");
	vmx_require(check, AR(s),
		    ar & AR_G ? (limit & 0xfff) == 0xfff : !(limit >> 20),
		    "G must agree with the limit");
}

static void check_cs(struct vmx_check *check, bool ia32e, bool unrestricted)
{
	u64 ar = READ(GUEST_CS_AR), type = AR_TYPE(ar), dpl = AR_DPL(ar);
	u64 ss_dpl = AR_DPL(READ(GUEST_SS_AR));
	bool data = type == TYPE_DATA_RW;

	vmx_require(check, AR(CS),
		    (data && unrestricted) ||
			    ((type & TYPE_CODE) && (type & TYPE_ACCESSED)),
		    "type must be accessed code (or 3 if unrestricted)");
	if (data)
		vmx_require(check, AR(CS), dpl == 0, "DPL must be 0");
	else if (type & TYPE_CONFORMING)
		vmx_require(check, AR(CS), dpl <= ss_dpl,
			    "DPL must be at most that of SS");
	else
		vmx_require(check, AR(CS), dpl == ss_dpl,
			    "DPL must be that of SS");
	vmx_require(check, AR(CS), !ia32e || !(ar & AR_L) || !(ar & AR_DB),
		    "D must be 0 in 64-bit code");
	check_rights(check, CS, false);
}

static void check_ss(struct vmx_check *check, bool unrestricted)
{
	u64 ar = READ(GUEST_SS_AR), rpl = READ(GUEST_SS_SELECTOR) & 3;
	bool simple = !(READ(GUEST_CR0) & CR0_PE) ||
		      AR_TYPE(READ(GUEST_CS_AR)) == TYPE_DATA_RW;

	vmx_require(check, SELECTOR(SS),
		    unrestricted || rpl == (READ(GUEST_CS_SELECTOR) & 3),
		    "RPL must be that of CS");
	vmx_require(check, AR(SS), unrestricted || AR_DPL(ar) == rpl,
		    "DPL must be RPL");
	vmx_require(check, AR(SS), !simple || AR_DPL(ar) == 0,
		    "DPL must be 0 in real mode");
	if (ar & AR_UNUSABLE)
		return;
	vmx_require(check, AR(SS),
		    AR_TYPE(ar) == TYPE_DATA_RW ||
			    AR_TYPE(ar) == TYPE_STACK_DOWN,
		    "type must be writable, accessed data");
	check_rights(check, SS, false);
}

static void check_data(struct vmx_check *check, enum segment s,
		       bool unrestricted)
{
	u64 ar = check->read(AR(s)), type = AR_TYPE(ar);

	if (ar & AR_UNUSABLE)
		return;
	vmx_require(check, AR(s), type & TYPE_ACCESSED,
		    "type must be accessed");
	vmx_require(check, AR(s), !(type & TYPE_CODE) || (type & TYPE_READABLE),
		    "code must be readable");
	vmx_require(check, AR(s),
		    unrestricted || type > 11 ||
			    AR_DPL(ar) >= (check->read(SELECTOR(s)) & 3),
		    "DPL must not be below RPL");
	check_rights(check, s, false);
}

/* In virtual-8086 mode all six are as real mode would have them. */
static void check_v86(struct vmx_check *check, enum segment s)
{
	vmx_require(check, BASE(s),
		    check->read(BASE(s)) == check->read(SELECTOR(s)) << 4,
		    "must be 16 times the selector in virtual-8086 mode");
	vmx_require(check, LIMIT(s), check->read(LIMIT(s)) == 0xffff,
		    "must be 0xffff in virtual-8086 mode");
	vmx_require(check, AR(s), check->read(AR(s)) == AR_V86,
		    "must be 0xf3 in virtual-8086 mode");
}

static void check_bases(struct vmx_check *check)
{
	for (enum segment s = ES; s <= DS; s++)
		if (s == CS || !(check->read(AR(s)) & AR_UNUSABLE))
			vmx_require(check, BASE(s),
				    !(check->read(BASE(s)) >> 32),
				    "bits 63:32 must be 0");
	vmx_require_canonical(check, BASE(FS));
	vmx_require_canonical(check, BASE(GS));
	vmx_require_canonical(check, BASE(TR));
	if (!(READ(GUEST_LDTR_AR) & AR_UNUSABLE))
		vmx_require_canonical(check, BASE(LDTR));
}

static void check_system(struct vmx_check *check, bool ia32e)
{
	u64 tr = READ(GUEST_TR_AR), ldtr = READ(GUEST_LDTR_AR);

	vmx_require(check, SELECTOR(TR), !(READ(GUEST_TR_SELECTOR) & 4),
		    "TI must be 0");
	vmx_require(check, AR(TR), !(tr & AR_UNUSABLE), "must be usable");
	vmx_require(check, AR(TR),
		    AR_TYPE(tr) == TYPE_TSS ||
			    (AR_TYPE(tr) == TYPE_TSS16 && !ia32e),
		    "type must be busy TSS (11 in IA-32e mode)");
	check_rights(check, TR, true);
	if (ldtr & AR_UNUSABLE)
		return;
	vmx_require(check, SELECTOR(LDTR), !(READ(GUEST_LDTR_SELECTOR) & 4),
		    "TI must be 0");
	vmx_require(check, AR(LDTR), AR_TYPE(ldtr) == TYPE_LDT,
		    "type must be LDT");
	check_rights(check, LDTR, true);
}

void vmx_check_segments(struct vmx_check *check)
{
	bool unrestricted = READ(PROC2_CONTROLS) & PROC2_UNRESTRICTED_GUEST;
	bool ia32e = READ(ENTRY_CONTROLS) & ENTRY_IA32E;

	check->section = "27.3.1.2";
	check_bases(check);
	check_system(check, ia32e);
	if (READ(GUEST_RFLAGS) & RFLAGS_VM) {
		for (enum segment s = ES; s <= GS; s++)
			check_v86(check, s);
		return;
	}
	check_cs(check, ia32e, unrestricted);
	check_ss(check, unrestricted);
	for (enum segment s = ES; s <= GS; s++)
		if (s != CS && s != SS)
			check_data(check, s, unrestricted);
}

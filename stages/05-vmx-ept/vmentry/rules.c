/*
 * The rules of VM entry (SDM 3C 27.2 and 27.3), to be laid beside the manual:
 * a table for each section. A row names a field; when the rule counts; what
 * must hold then, where v is the field's value; and the same as a sentence.
 */
#include "vmentry/rules.h"

/* Sentences that come again and again. */
#define RESERVED  "reserved bits must be 0"
#define UPPER     "bits 63:32 must be 0"
#define CANONICAL "must be a canonical address"
#define PHYSICAL  "must be within the physical-address width"
#define PAGE      "must be the address of a page"
#define FIXED     "must have the bits that VMX operation fixes"
#define PAT       "each byte must be 0, 1, 4, 5, 6 or 7"

/* A row, of a field by its name or by its number. */
#define ROW(field, when, must, sentence)                          \
	do {                                                      \
		if (when) {                                       \
			u64 v = check->read(field);               \
			require(check, field, v, must, sentence); \
		}                                                 \
	} while (0)
#define RULE(name, when, must, sentence) ROW(VMCS_##name, when, must, sentence)

static void require(struct vmx_check *check, enum vmcs_field field, u64 value,
		    bool holds, const char *rule)
{
	struct vmx_broken_rule broken = {check->section, field, value, rule};

	if (holds)
		return;
	if (!check->count++)
		check->first = broken;
	check->report(check, &broken);
}

/* The width is that of our own mode: entries happen in it. */
static bool is_canonical(const struct vmx_check *check, u64 address)
{
	uint unused = READ(HOST_CR4) & CR4_LA57 ? 64 - 57 : 64 - 48;

	return (u64)((s64)(address << unused) >> unused) == address;
}

static bool is_physical(const struct vmx_check *check, u64 address)
{
	return address >> check->caps->physical_bits == 0;
}

static bool is_page(const struct vmx_check *check, u64 address)
{
	return !(address & PAGE_MASK) && is_physical(check, address);
}

/* Eight memory types (SDM 3A 12.12.2). */
static bool is_pat(u64 types)
{
	for (uint i = 0; i < 8; i++, types >>= 8)
		if ((types & 0xff) > 7 || (types & 0xfe) == 2)
			return false;
	return true;
}

/* @free are bits that VMX operation does not fix for this guest. */
static bool is_fixed_cr0(const struct vmx_check *check, u64 cr0, u64 free)
{
	cr0 &= ~(CR0_CD | CR0_NW);
	return !(check->caps->cr0_fixed0 & ~free & ~cr0) &&
	       !(cr0 & ~check->caps->cr0_fixed1);
}

static bool is_fixed_cr4(const struct vmx_check *check, u64 cr4)
{
	return !(check->caps->cr4_fixed0 & ~cr4) &&
	       !(cr4 & ~check->caps->cr4_fixed1);
}

static bool vector_fits(u64 event)
{
	uint vector = event & EVENT_VECTOR;

	switch (EVENT_TYPE(event)) {
	case EVENT_NMI:
		return vector == VECTOR_NMI;
	case EVENT_EXCEPTION:
		return vector < 32;
	case EVENT_OTHER: /* a monitor trap */
		return vector == 0;
	default:
		return true;
	}
}

/* CPUs with CET leave the choice, in protected mode (SDM 3D A.1). */
static bool error_code_fits(const struct vmx_check *check, u64 event)
{
	uint vector = event & EVENT_VECTOR;
	bool may = EVENT_TYPE(event) == EVENT_EXCEPTION && CR0(PE);
	bool must = may && vector < 32 && (VECTORS_WITH_ERROR & BIT(vector));

	return (may && (check->caps->basic & BASIC_ANY_ERROR)) ||
	       (bool)(event & EVENT_HAS_ERROR) == must;
}

/* IA32_VMX_MISC has a bit for each state but the first, from bit 6 on. */
static bool has_state(const struct vmx_check *check, u64 state)
{
	return state == ACTIVE ||
	       (state <= WAIT_FOR_SIPI && (check->caps->misc & BIT(5 + state)));
}

/* Can @event make a CPU go on that is in @state? */
static bool wakes(u64 event, u64 state)
{
	uint type = EVENT_TYPE(event), vector = event & EVENT_VECTOR;
	bool exception = type == EVENT_EXCEPTION;
	bool always = type == EVENT_NMI || (exception && vector == VECTOR_MC);

	switch (state) {
	case ACTIVE:
		return true;
	case HLT:
		return always || type == EVENT_EXTERNAL ||
		       type == EVENT_OTHER ||
		       (exception && vector == VECTOR_DB);
	case SHUTDOWN:
		return always;
	default:
		return false;
	}
}

/* A trap that TF has caused stays pending while it is held back. */
static bool keeps_step(const struct vmx_check *check, u64 pending)
{
	bool stepping = (READ(GUEST_RFLAGS) & RFLAGS_TF) &&
			!(READ(GUEST_DEBUGCTL) & DEBUGCTL_BTF);

	return (!BLOCKED(SHADOW) && READ(GUEST_ACTIVITY) != HLT) ||
	       !!(pending & PENDING_BS) == stepping;
}

/* What the CPU wants of a control word. */
static void control_word(struct vmx_check *check, enum vmcs_field field,
			 enum vmx_control word)
{
	const struct vmx_allowed *allowed = &check->caps->allowed[word];

	ROW(field, true, !(allowed->zero & ~v),
	    "a bit is 0 that the CPU wants to be 1");
	ROW(field, true, !(v & ~(u64)allowed->one),
	    "a bit is 1 that the CPU wants to be 0");
}

/* A list of MSRs has entries of 16 bytes. */
static void msr_list(struct vmx_check *check, enum vmcs_field count,
		     enum vmcs_field address)
{
	u64 n = check->read(count);

	ROW(address, n, !(v & 0xf) && is_physical(check, v + 16 * n - 1),
	    "must be 16-byte aligned, within the address width");
}

static void execution_controls(struct vmx_check *check)
{
	check->section = "27.2.1.1"; /* VM-execution control fields */
	control_word(check, VMCS_PIN_CONTROLS, CONTROL_PIN);
	control_word(check, VMCS_PROC_CONTROLS, CONTROL_PROC);
	if (PROC(SECONDARY))
		control_word(check, VMCS_PROC2_CONTROLS, CONTROL_PROC2);
	RULE(CR3_TARGET_COUNT, true, v <= 4, "must be at most 4");
	RULE(MSR_BITMAP, PROC(MSR_BITMAPS), is_page(check, v), PAGE);
	RULE(IO_BITMAP_A, PROC(IO_BITMAPS), is_page(check, v), PAGE);
	RULE(IO_BITMAP_B, PROC(IO_BITMAPS), is_page(check, v), PAGE);
	RULE(EPT_POINTER, PROC2(EPT), (v & EPTP_TYPE) == 6,
	     "the tables must be write-back");
	RULE(EPT_POINTER, PROC2(EPT), (v & EPTP_LEVELS) == 3 << 3,
	     "there must be 4 levels");
	RULE(EPT_POINTER, PROC2(EPT), !(v & EPTP_OTHER), RESERVED);
	RULE(EPT_POINTER, PROC2(EPT), is_physical(check, v), PHYSICAL);
	RULE(PIN_CONTROLS, PIN(VIRTUAL_NMI), v & PIN_NMI,
	     "virtual NMIs need NMI exiting");
	RULE(PROC_CONTROLS, PROC(NMI_WINDOW), PIN(VIRTUAL_NMI),
	     "NMI-window exiting needs virtual NMIs");
	RULE(VPID, PROC2(VPID), v != 0, "must not be 0 if VPIDs are enabled");
	RULE(PROC2_CONTROLS, UNRESTRICTED, v & PROC2_EPT,
	     "unrestricted guest needs EPT");
}

static void exit_controls(struct vmx_check *check)
{
	check->section = "27.2.1.2"; /* VM-exit control fields */
	control_word(check, VMCS_EXIT_CONTROLS, CONTROL_EXIT);
	RULE(EXIT_CONTROLS, EXIT(SAVE_PREEMPTION), PIN(PREEMPTION_TIMER),
	     "saving the preemption timer needs the timer");
	msr_list(check, VMCS_EXIT_MSR_STORE_COUNT, VMCS_EXIT_MSR_STORE_ADDR);
	msr_list(check, VMCS_EXIT_MSR_LOAD_COUNT, VMCS_EXIT_MSR_LOAD_ADDR);
}

static void entry_controls(struct vmx_check *check)
{
	check->section = "27.2.1.3"; /* VM-entry control fields */
	control_word(check, VMCS_ENTRY_CONTROLS, CONTROL_ENTRY);
	msr_list(check, VMCS_ENTRY_MSR_LOAD_COUNT, VMCS_ENTRY_MSR_LOAD_ADDR);
	RULE(ENTRY_CONTROLS, true,
	     !(v & (ENTRY_TO_SMM | ENTRY_DEACTIVATE_DUAL)),
	     "the SMM controls must be 0 outside SMM");
	RULE(ENTRY_EVENT, INJECTS, !(v & EVENT_RESERVED),
	     "bits 30:12 must be 0");
	RULE(ENTRY_EVENT, INJECTS, EVENT_TYPE(v) != 1, "type 1 is reserved");
	RULE(ENTRY_EVENT, INJECTS, vector_fits(v),
	     "the vector must be 2 for an NMI, < 32 for an exception");
	RULE(ENTRY_EVENT, INJECTS, error_code_fits(check, v),
	     "bit 11 must be 1 exactly for exceptions that push an error code, "
	     "in protected mode");
	RULE(ENTRY_EVENT_ERROR,
	     INJECTS && (READ(ENTRY_EVENT) & EVENT_HAS_ERROR), !(v >> 16),
	     "bits 31:16 must be 0");
	RULE(ENTRY_INSTRUCTION_LENGTH,
	     INJECTS_A(EVENT_SOFT_INTERRUPT) || INJECTS_A(EVENT_PRIVILEGED) ||
		     INJECTS_A(EVENT_SOFT_EXCEPTION),
	     v <= 15, "must be at most 15");
}

static void host_registers(struct vmx_check *check)
{
	check->section = "27.2.2"; /* host control registers and MSRs */
	RULE(HOST_CR0, true, is_fixed_cr0(check, v, 0), FIXED);
	RULE(HOST_CR4, true, is_fixed_cr4(check, v), FIXED);
	RULE(HOST_CR3, true, is_physical(check, v), PHYSICAL);
	RULE(HOST_SYSENTER_ESP, true, is_canonical(check, v), CANONICAL);
	RULE(HOST_SYSENTER_EIP, true, is_canonical(check, v), CANONICAL);
	RULE(HOST_PAT, EXIT(LOAD_PAT), is_pat(v), PAT);
	RULE(HOST_EFER, EXIT(LOAD_EFER), !(v & EFER_RESERVED), RESERVED);
	RULE(HOST_EFER, EXIT(LOAD_EFER),
	     (v & EFER_LONG) == (EXIT(HOST_64) ? EFER_LONG : 0),
	     "LMA and LME must be as host address-space size");
}

static void host_segments(struct vmx_check *check)
{
	check->section = "27.2.3"; /* host segments and descriptor tables */
	for (uint f = VMCS_HOST_ES_SELECTOR; f <= VMCS_HOST_TR_SELECTOR; f += 2)
		ROW(f, true, !(v & SELECTOR_TI) && RPL(v) == 0,
		    "TI and RPL must be 0");
	RULE(HOST_CS_SELECTOR, true, v != 0, "must not be null");
	RULE(HOST_TR_SELECTOR, true, v != 0, "must not be null");
	for (uint f = VMCS_HOST_FS_BASE; f <= VMCS_HOST_IDTR_BASE; f += 2)
		ROW(f, true, is_canonical(check, v), CANONICAL);
}

static void address_space(struct vmx_check *check)
{
	check->section = "27.2.4"; /* entries from IA-32e mode: ours */
	RULE(EXIT_CONTROLS, true, v & EXIT_HOST_64,
	     "host address-space size must be 1");
	RULE(HOST_CR4, true, v & CR4_PAE, "PAE must be 1");
	RULE(HOST_RIP, true, is_canonical(check, v), CANONICAL);
}

static void guest_registers(struct vmx_check *check)
{
	u64 free = UNRESTRICTED ? CR0_PE | CR0_PG : 0;

	check->section =
		"27.3.1.1"; /* guest control registers, debug registers, MSRs */
	RULE(GUEST_CR0, true, is_fixed_cr0(check, v, free), FIXED);
	RULE(GUEST_CR0, CR0(PG), v & CR0_PE, "PG needs PE");
	RULE(GUEST_CR4, true, is_fixed_cr4(check, v), FIXED);
	RULE(GUEST_CR4, CR4(CET), CR0(WP), "CET needs CR0.WP");
	RULE(GUEST_CR0, IA32E, v & CR0_PG, "IA-32e mode needs PG");
	RULE(GUEST_CR4, IA32E, v & CR4_PAE, "IA-32e mode needs PAE");
	RULE(GUEST_CR4, CR4(PCIDE), IA32E, "PCIDE needs IA-32e mode");
	RULE(GUEST_CR3, true, is_physical(check, v), PHYSICAL);
	RULE(GUEST_DEBUGCTL, ENTRY(LOAD_DEBUG), !(v & DEBUGCTL_RESERVED),
	     RESERVED);
	RULE(GUEST_DR7, ENTRY(LOAD_DEBUG), !(v >> 32), UPPER);
	RULE(GUEST_SYSENTER_ESP, true, is_canonical(check, v), CANONICAL);
	RULE(GUEST_SYSENTER_EIP, true, is_canonical(check, v), CANONICAL);
	RULE(GUEST_PAT, ENTRY(LOAD_PAT), is_pat(v), PAT);
	RULE(GUEST_EFER, ENTRY(LOAD_EFER), !(v & EFER_RESERVED), RESERVED);
	RULE(GUEST_EFER, ENTRY(LOAD_EFER), !(v & EFER_LMA) == !IA32E,
	     "LMA must be as the entry control IA-32e mode guest");
	RULE(GUEST_EFER, ENTRY(LOAD_EFER) && CR0(PG),
	     !(v & EFER_LMA) == !(v & EFER_LME),
	     "LMA and LME must be equal with paging");
}

static void guest_tables(struct vmx_check *check)
{
	check->section = "27.3.1.3"; /* guest descriptor-table registers */
	RULE(GUEST_GDTR_BASE, true, is_canonical(check, v), CANONICAL);
	RULE(GUEST_IDTR_BASE, true, is_canonical(check, v), CANONICAL);
	RULE(GUEST_GDTR_LIMIT, true, v <= 0xffff, "must fit 16 bits");
	RULE(GUEST_IDTR_LIMIT, true, v <= 0xffff, "must fit 16 bits");
}

static void rip_and_rflags(struct vmx_check *check)
{
	check->section = "27.3.1.4"; /* guest RIP and RFLAGS */
	RULE(GUEST_RIP, CODE64, is_canonical(check, v), CANONICAL);
	RULE(GUEST_RIP, !CODE64, !(v >> 32),
	     "bits 63:32 must be 0 outside 64-bit code");
	RULE(GUEST_RFLAGS, true, v & RFLAGS_FIXED, "bit 1 must be 1");
	RULE(GUEST_RFLAGS, true, !(v & RFLAGS_RESERVED),
	     "bits 63:22, 15, 5 and 3 must be 0");
	RULE(GUEST_RFLAGS, V86, !IA32E && CR0(PE),
	     "VM must be 0 in IA-32e mode and in real mode");
	RULE(GUEST_RFLAGS, INJECTS_A(EVENT_EXTERNAL), v & RFLAGS_IF,
	     "IF must be 1 for an external interrupt to go in");
}

static void pdptes(struct vmx_check *check)
{
	bool in_use = !IA32E && CR0(PG) && CR4(PAE);

	check->section =
		"27.3.1.6"; /* guest page-directory-pointer-table entries */
	for (uint f = VMCS_GUEST_PDPTE0; f <= VMCS_GUEST_PDPTE3; f += 2)
		ROW(f, in_use && (check->read(f) & PDPTE_PRESENT),
		    !(v & PDPTE_RESERVED) && is_physical(check, v), RESERVED);
}

/* Bit 16 has no meaning for CS, and a rule of its own for TR. */
static bool is_usable(const struct vmx_check *check, enum segment s)
{
	return s == CS || s == TR || !(check->read(AR(s)) & AR_UNUSABLE);
}

static void segment_bases(struct vmx_check *check)
{
	for (enum segment s = ES; s <= DS; s++)
		ROW(BASE(s), is_usable(check, s), !(v >> 32), UPPER);
	RULE(GUEST_FS_BASE, true, is_canonical(check, v), CANONICAL);
	RULE(GUEST_GS_BASE, true, is_canonical(check, v), CANONICAL);
	RULE(GUEST_TR_BASE, true, is_canonical(check, v), CANONICAL);
	RULE(GUEST_LDTR_BASE, is_usable(check, LDTR), is_canonical(check, v),
	     CANONICAL);
}

/* What the rights of all segments have in common. */
static void segment_rights(struct vmx_check *check, enum segment s)
{
	u64 limit = check->read(LIMIT(s));

	ROW(AR(s), true, !(v & AR_S) == (s >= LDTR),
	    "S must be 0 for LDTR and TR, else 1");
	ROW(AR(s), true, v & AR_P, "P must be 1");
	ROW(AR(s), true, !(v & AR_RESERVED), RESERVED);
	ROW(AR(s), true, v & AR_G ? (limit & 0xfff) == 0xfff : !(limit >> 20),
	    "G must agree with the limit");
}

static void system_segments(struct vmx_check *check)
{
	bool ldt = is_usable(check, LDTR);

	RULE(GUEST_TR_SELECTOR, true, !(v & SELECTOR_TI), "TI must be 0");
	RULE(GUEST_TR_AR, true, !(v & AR_UNUSABLE), "must be usable");
	RULE(GUEST_TR_AR, true,
	     AR_TYPE(v) == TYPE_TSS || (AR_TYPE(v) == TYPE_TSS16 && !IA32E),
	     "type must be busy TSS (11 in IA-32e mode)");
	segment_rights(check, TR);
	RULE(GUEST_LDTR_SELECTOR, ldt, !(v & SELECTOR_TI), "TI must be 0");
	RULE(GUEST_LDTR_AR, ldt, AR_TYPE(v) == TYPE_LDT, "type must be LDT");
	if (ldt)
		segment_rights(check, LDTR);
}

/* In virtual-8086 mode all six are as real mode would have them. */
static void v86_segments(struct vmx_check *check)
{
	for (enum segment s = ES; s <= GS; s++) {
		ROW(BASE(s), true, v == check->read(SELECTOR(s)) << 4,
		    "must be 16 times the selector in virtual-8086 mode");
		ROW(LIMIT(s), true, v == 0xffff,
		    "must be 0xffff in virtual-8086 mode");
		ROW(AR(s), true, v == AR_V86,
		    "must be 0xf3 in virtual-8086 mode");
	}
}

static void code_and_stack(struct vmx_check *check)
{
	u64 ss_dpl = AR_DPL(READ(GUEST_SS_AR));
	bool conforming = READ(GUEST_CS_AR) & AR_CONFORM;

	RULE(GUEST_CS_AR, !(UNRESTRICTED && CS_IS_DATA),
	     (v & AR_CODE) && (v & AR_ACCESSED),
	     "type must be accessed code (or 3 if unrestricted)");
	RULE(GUEST_CS_AR, CS_IS_DATA, AR_DPL(v) == 0, "DPL must be 0");
	RULE(GUEST_CS_AR, conforming, AR_DPL(v) <= ss_dpl,
	     "DPL must be at most that of SS");
	RULE(GUEST_CS_AR, !CS_IS_DATA && !conforming, AR_DPL(v) == ss_dpl,
	     "DPL must be that of SS");
	RULE(GUEST_CS_AR, CODE64, !(v & AR_DB), "D must be 0 in 64-bit code");
	segment_rights(check, CS);

	RULE(GUEST_SS_SELECTOR, !UNRESTRICTED,
	     RPL(v) == RPL(READ(GUEST_CS_SELECTOR)), "RPL must be that of CS");
	RULE(GUEST_SS_AR, !UNRESTRICTED,
	     AR_DPL(v) == RPL(READ(GUEST_SS_SELECTOR)), "DPL must be RPL");
	RULE(GUEST_SS_AR, !CR0(PE) || CS_IS_DATA, AR_DPL(v) == 0,
	     "DPL must be 0 in real mode");
	RULE(GUEST_SS_AR, is_usable(check, SS),
	     AR_TYPE(v) == TYPE_DATA_RW || AR_TYPE(v) == TYPE_STACK,
	     "type must be writable, accessed data");
	if (is_usable(check, SS))
		segment_rights(check, SS);
}

static void data_segment(struct vmx_check *check, enum segment s)
{
	u64 rpl = RPL(check->read(SELECTOR(s)));

	ROW(AR(s), true, v & AR_ACCESSED, "type must be accessed");
	ROW(AR(s), true, !(v & AR_CODE) || (v & AR_READABLE),
	    "code must be readable");
	ROW(AR(s), !UNRESTRICTED, AR_TYPE(v) > 11 || AR_DPL(v) >= rpl,
	    "DPL must not be below RPL");
	segment_rights(check, s);
}

static void segments(struct vmx_check *check)
{
	check->section = "27.3.1.2"; /* guest segment registers */
	segment_bases(check);
	system_segments(check);
	if (V86) {
		v86_segments(check);
		return;
	}
	code_and_stack(check);
	for (enum segment s = ES; s <= GS; s++)
		if (s != CS && s != SS && is_usable(check, s))
			data_segment(check, s);
}

static void run_state(struct vmx_check *check)
{
	u64 nmi = SHADOW | (PIN(VIRTUAL_NMI) ? BLOCKED_BY_NMI : 0);

	check->section = "27.3.1.5"; /* guest non-register state */
	RULE(GUEST_ACTIVITY, true, has_state(check, v),
	     "must be a state that the CPU supports");
	RULE(GUEST_ACTIVITY, READ(GUEST_ACTIVITY) == HLT,
	     AR_DPL(READ(GUEST_SS_AR)) == 0, "HLT needs DPL 0 in SS");
	RULE(GUEST_ACTIVITY, BLOCKED(SHADOW), v == ACTIVE,
	     "must be active in the shadow of STI or MOV SS");
	RULE(GUEST_ACTIVITY, INJECTS, wakes(READ(ENTRY_EVENT), v),
	     "must be a state from which the event wakes the CPU");
	RULE(GUEST_INTERRUPTIBILITY, true, !(v & ~(SHADOW | BLOCKED_BY_NMI)),
	     "reserved bits, SMI and enclave must be 0");
	RULE(GUEST_INTERRUPTIBILITY, true, (v & SHADOW) != SHADOW,
	     "STI and MOV SS can't both block");
	RULE(GUEST_INTERRUPTIBILITY, BLOCKED(BLOCKED_BY_STI),
	     READ(GUEST_RFLAGS) & RFLAGS_IF, "blocking by STI needs RFLAGS.IF");
	RULE(GUEST_INTERRUPTIBILITY, INJECTS_A(EVENT_EXTERNAL), !(v & SHADOW),
	     "must not block the interrupt that goes in");
	RULE(GUEST_INTERRUPTIBILITY, INJECTS_A(EVENT_NMI), !(v & nmi),
	     "must not block the NMI that goes in");
	RULE(GUEST_PENDING_DEBUG, true, !(v & PENDING_RESERVED), RESERVED);
	RULE(GUEST_PENDING_DEBUG, true, keeps_step(check, v),
	     "BS must be as RFLAGS.TF says while traps are held back");
	RULE(LINK_POINTER, true, v == ~0UL || is_page(check, v),
	     "must be all ones, or the address of a page");
}

/* Segments come behind the flags, whose bit VM decides about their rules. */
void vmx_check_entry(struct vmx_check *check)
{
	execution_controls(check);
	exit_controls(check);
	entry_controls(check);
	host_registers(check);
	host_segments(check);
	address_space(check);
	guest_registers(check);
	guest_tables(check);
	rip_and_rflags(check);
	pdptes(check);
	segments(check);
	run_state(check);
}

/*
 * VM-entry checks on the controls (SDM 3C 27.2.1).
 */
#include "vmx/check.h"

#define EPTP_TYPE   7UL
#define EPTP_LEVELS 0x38UL
#define EPTP_OTHER  0xfc0UL /* accessed/dirty and reserved: we set none */

static void check_word(struct vmx_check *check, enum vmcs_field field,
		       enum vmx_control which)
{
	const struct vmx_allowed *allowed = &check->caps->allowed[which];
	u64 value = check->read(field);

	vmx_require(check, field, !(allowed->zero & ~value),
		    "a bit is 0 that the CPU wants to be 1");
	vmx_require(check, field, !(value & ~(u64)allowed->one),
		    "a bit is 1 that the CPU wants to be 0");
}

static void require_page(struct vmx_check *check, enum vmcs_field field)
{
	u64 page = check->read(field);

	vmx_require(check, field,
		    !(page & PAGE_MASK) && vmx_is_physical(check, page),
		    "must be the address of a page");
}

static void check_addresses(struct vmx_check *check, u64 proc, u64 proc2)
{
	u64 eptp = READ(EPT_POINTER);

	if (proc & PROC_MSR_BITMAPS)
		require_page(check, VMCS_MSR_BITMAP);
	if (proc & PROC_IO_BITMAPS) {
		require_page(check, VMCS_IO_BITMAP_A);
		require_page(check, VMCS_IO_BITMAP_B);
	}
	if (!(proc2 & PROC2_EPT))
		return;
	vmx_require(check, VMCS_EPT_POINTER, (eptp & EPTP_TYPE) == 6,
		    "the tables must be write-back");
	vmx_require(check, VMCS_EPT_POINTER, (eptp & EPTP_LEVELS) == 3 << 3,
		    "there must be 4 levels");
	vmx_require(check, VMCS_EPT_POINTER, !(eptp & EPTP_OTHER),
		    "reserved bits must be 0");
	vmx_require_physical(check, VMCS_EPT_POINTER);
}

static void check_execution_controls(struct vmx_check *check)
{
	u64 pin = READ(PIN_CONTROLS), proc = READ(PROC_CONTROLS);
	u64 proc2 = proc & PROC_SECONDARY ? READ(PROC2_CONTROLS) : 0;

	check->section = "27.2.1.1";
	check_word(check, VMCS_PIN_CONTROLS, CONTROL_PIN);
	check_word(check, VMCS_PROC_CONTROLS, CONTROL_PROC);
	if (proc & PROC_SECONDARY)
		check_word(check, VMCS_PROC2_CONTROLS, CONTROL_PROC2);
	vmx_require(check, VMCS_CR3_TARGET_COUNT, READ(CR3_TARGET_COUNT) <= 4,
		    "must be at most 4");
	check_addresses(check, proc, proc2);
	vmx_require(check, VMCS_PIN_CONTROLS,
		    (pin & PIN_NMI) || !(pin & PIN_VIRTUAL_NMI),
		    "virtual NMIs need NMI exiting");
	vmx_require(check, VMCS_PROC_CONTROLS,
		    (pin & PIN_VIRTUAL_NMI) || !(proc & PROC_NMI_WINDOW),
		    "NMI-window exiting needs virtual NMIs");
	vmx_require(check, VMCS_VPID, !(proc2 & PROC2_VPID) || READ(VPID),
		    "must not be 0 if VPIDs are enabled");
	vmx_require(check, VMCS_PROC2_CONTROLS,
		    (proc2 & PROC2_EPT) || !(proc2 & PROC2_UNRESTRICTED_GUEST),
		    "unrestricted guest needs EPT");
}

/* A list of MSRs has entries of 16 bytes. */
static void check_msr_list(struct vmx_check *check, enum vmcs_field count,
			   enum vmcs_field address)
{
	u64 n = check->read(count), base = check->read(address);

	vmx_require(check, address,
		    !n || (!(base & 0xf) &&
			   vmx_is_physical(check, base + 16 * n - 1)),
		    "must be 16-byte aligned, within the address width");
}

void vmx_check_controls(struct vmx_check *check)
{
	u64 entry = READ(ENTRY_CONTROLS), exit = READ(EXIT_CONTROLS);

	check_execution_controls(check);

	check->section = "27.2.1.2";
	check_word(check, VMCS_EXIT_CONTROLS, CONTROL_EXIT);
	vmx_require(check, VMCS_EXIT_CONTROLS,
		    !(exit & EXIT_SAVE_PREEMPTION) ||
			    (READ(PIN_CONTROLS) & PIN_PREEMPTION_TIMER),
		    "saving the preemption timer needs the timer");
	check_msr_list(check, VMCS_EXIT_MSR_STORE_COUNT,
		       VMCS_EXIT_MSR_STORE_ADDR);
	check_msr_list(check, VMCS_EXIT_MSR_LOAD_COUNT,
		       VMCS_EXIT_MSR_LOAD_ADDR);

	check->section = "27.2.1.3";
	check_word(check, VMCS_ENTRY_CONTROLS, CONTROL_ENTRY);
	check_msr_list(check, VMCS_ENTRY_MSR_LOAD_COUNT,
		       VMCS_ENTRY_MSR_LOAD_ADDR);
	vmx_require(check, VMCS_ENTRY_CONTROLS,
		    !(entry & (ENTRY_TO_SMM | ENTRY_DEACTIVATE_DUAL)),
		    "the SMM controls must be 0 outside SMM");
}

/*
 * The guest's state on the console, for whoever must find out what went wrong.
 */
#include "console/printf.h"
#include "vmx/vmx.h"

static void dump_registers(const struct guest_regs *r)
{
	printf("  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n"
	       "  rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n"
	       "  r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n"
	       "  r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n",
	       r->rax, r->rbx, r->rcx, r->rdx, r->rsi, r->rdi, r->rbp,
	       vmcs_read(VMCS_GUEST_RSP), r->r8, r->r9, r->r10, r->r11, r->r12,
	       r->r13, r->r14, r->r15);
	printf("  rip %016lx rflags %08lx\n", vmcs_read(VMCS_GUEST_RIP),
	       vmcs_read(VMCS_GUEST_RFLAGS));
	printf("  cr0 %08lx (guest sees %08lx) cr2 %016lx cr3 %016lx\n"
	       "  cr4 %08lx (guest sees %08lx) efer %04lx dr7 %08lx\n",
	       vmcs_read(VMCS_GUEST_CR0), vmx_get(NULL, VCPU_CR0), r->cr2,
	       vmcs_read(VMCS_GUEST_CR3), vmcs_read(VMCS_GUEST_CR4),
	       vmx_get(NULL, VCPU_CR4), vmcs_read(VMCS_GUEST_EFER),
	       vmcs_read(VMCS_GUEST_DR7));
}

static void dump_segments(void)
{
	static const char *const names[] = {"es", "cs", "ss",  "ds",
					    "fs", "gs", "ldt", "tr"};

	for (uint i = 0; i < ARRAY_SIZE(names); i++)
		printf("  %-3s %04lx base %016lx limit %08lx rights %05lx\n",
		       names[i], vmcs_read(VMCS_GUEST_ES_SELECTOR + 2 * i),
		       vmcs_read(VMCS_GUEST_ES_BASE + 2 * i),
		       vmcs_read(VMCS_GUEST_ES_LIMIT + 2 * i),
		       vmcs_read(VMCS_GUEST_ES_AR + 2 * i));
	printf("  gdt base %016lx limit %04lx, idt base %016lx limit %04lx\n",
	       vmcs_read(VMCS_GUEST_GDTR_BASE),
	       vmcs_read(VMCS_GUEST_GDTR_LIMIT),
	       vmcs_read(VMCS_GUEST_IDTR_BASE),
	       vmcs_read(VMCS_GUEST_IDTR_LIMIT));
}

void vmx_dump(struct vcpu *vcpu)
{
	printf("guest state:\n");
	dump_registers(&vcpu->regs);
	dump_segments();
	printf("  interruptibility %lx activity %lx pending debug %lx\n"
	       "  exit reason %lx qualification %lx event %lx "
	       "interrupted event %lx\n",
	       vmcs_read(VMCS_GUEST_INTERRUPTIBILITY),
	       vmcs_read(VMCS_GUEST_ACTIVITY),
	       vmcs_read(VMCS_GUEST_PENDING_DEBUG), vmcs_read(VMCS_EXIT_REASON),
	       vmcs_read(VMCS_EXIT_QUALIFICATION), vmcs_read(VMCS_EXIT_EVENT),
	       vmcs_read(VMCS_IDT_VECTORING));
}

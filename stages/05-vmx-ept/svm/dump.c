/*
 * The guest's state on the console, for whoever must find out what went wrong.
 */
#include "console/printf.h"
#include "svm/svm.h"

static void dump_segment(const char *name, const struct vmcb_segment *s)
{
	printf("  %-4s %04x base 0x%lx limit 0x%x attributes 0x%x\n", name,
	       s->selector, s->base, s->limit, s->attributes);
}

void svm_dump(struct vcpu *vcpu)
{
	struct vmcb *vmcb = svm_vmcb(vcpu);
	struct vmcb_save *s = &vmcb->save;
	struct guest_regs *r = &vcpu->regs;

	printf("guest: exit 0x%lx info 0x%lx 0x%lx\n", vmcb->control.exit_code,
	       vmcb->control.exit_info1, vmcb->control.exit_info2);
	printf("  rip 0x%lx rsp 0x%lx rflags 0x%lx\n", s->rip, s->rsp,
	       s->rflags);
	printf("  rax 0x%lx rbx 0x%lx rcx 0x%lx rdx 0x%lx\n", r->rax, r->rbx,
	       r->rcx, r->rdx);
	printf("  rsi 0x%lx rdi 0x%lx rbp 0x%lx\n", r->rsi, r->rdi, r->rbp);
	printf("  cr0 0x%lx cr2 0x%lx cr3 0x%lx cr4 0x%lx efer 0x%lx\n", s->cr0,
	       s->cr2, s->cr3, s->cr4, s->efer);
	dump_segment("cs", &s->cs);
	dump_segment("ss", &s->ss);
	dump_segment("ds", &s->ds);
	dump_segment("tr", &s->tr);
	dump_segment("gdtr", &s->gdtr);
	dump_segment("idtr", &s->idtr);
}

/*
 * Hypercalls: how `vellumctl` in the guest asks what Vellum did.
 *
 *	in:  RAX = HYPERCALL_MAGIC, RBX = number, RCX = argument
 *	out: RAX = 0 or a negative errno; data in RBX RDX RSI RDI R8
 *
 * Data goes through registers only: no address from the guest is ever
 * followed. Nothing can be changed, and unless the command line says
 * `hypercall`, the instruction does not exist (#UD). Any privilege level may
 * call, because the tool is an ordinary program.
 *
 * One call is always there, once: that of the guest's first code, which is
 * ours (guest/bios_boot.S). Book: chapter 5.
 */
#include "boot/boot_info.h"
#include "boot/settings.h"
#include "console/console.h"
#include "console/log.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "page/mm.h"
#include "page/page.h"
#include "page/runs.h"
#include "vmm/hypercall.h"
#include "vmm/launch.h"
#include "vmm/vcpu.h"

#define HYPERCALL_ABI_VERSION 1

extern const struct hypercall __table_hypercall_start[];
extern const struct hypercall __table_hypercall_end[];

static u64 cycles_in_vellum(const struct vcpu *vcpu)
{
	u64 sum = rdtsc() - vcpu->exit_tsc; /* this exit, so far */

	for (uint i = 0; i < EXIT_REASON_COUNT; i++)
		sum += vcpu_sum_stats(i).cycles;
	return sum;
}

static int call_info(struct vcpu *vcpu)
{
	struct guest_regs *r = &vcpu->regs;

	r->rbx = HYPERCALL_ABI_VERSION;
	r->rdx = vcpu_ops->id;
	r->rsi = vmm_launch_tsc() - boot_info.entry_tsc - console_cycles();
	r->rdi = vmm_cycles_since_launch();
	r->r8 = cycles_in_vellum(vcpu);
	return 0;
}

static int call_stats(struct vcpu *vcpu)
{
	struct guest_regs *r = &vcpu->regs;
	struct exit_stats sum;
	u64 name[2] = {0, 0};
	const char *text;

	if (r->rcx >= EXIT_REASON_COUNT)
		return -ENOENT;
	text = exit_reason_name(r->rcx);
	memcpy(name, text, MIN(strlen(text), sizeof(name)));
	sum = vcpu_sum_stats(r->rcx);
	r->rbx = sum.count;
	r->rdx = sum.cycles;
	r->rsi = name[0];
	r->rdi = name[1];
	return 0;
}

static int call_log(struct vcpu *vcpu)
{
	struct guest_regs *r = &vcpu->regs;
	u64 text[4] = {0};

	r->rdx = log_read(r->rcx, (char *)text, sizeof(text));
	r->rbx = text[0];
	r->rsi = text[1];
	r->rdi = text[2];
	r->r8 = text[3];
	return 0;
}

static int call_free(struct vcpu *vcpu)
{
	vcpu->regs.rbx = boot_info.vmm_size / PAGE_SIZE;
	vcpu->regs.rdx = num_of_available_pages();
	return 0;
}

/* What is broken is named in the log. */
static int call_check(struct vcpu *vcpu)
{
	return mm_check();
}

static int call_pages(struct vcpu *vcpu)
{
	struct guest_regs *r = &vcpu->regs;
	struct page_run run;
	int error = get_page_run(MIN(r->rcx, UINT32_MAX), &run);

	if (error)
		return error;
	r->rbx = run.state;
	r->rdx = run.pages;
	r->rsi = run.blocks;
	return 0;
}

HYPERCALL(0, call_info);
HYPERCALL(1, call_stats);
HYPERCALL(2, call_log);
HYPERCALL(3, call_free);
HYPERCALL(4, call_check);
HYPERCALL(5, call_pages);

SETTING(hypercall_setting, .name = "hypercall",
	.help = "let vellumctl in the guest work");

bool hypercall_is_allowed(void)
{
	return CONFIG_HYPERCALL && setting_flag(&hypercall_setting);
}

static void (*first_call)(struct vcpu *vcpu);

void hypercall_expect(void (*call)(struct vcpu *vcpu))
{
	first_call = call;
}

static const struct hypercall *find_hypercall(u64 number)
{
	for (const struct hypercall *h = __table_hypercall_start;
	     h != __table_hypercall_end; h++)
		if (h->number == number)
			return h;
	return NULL;
}

EXIT_HANDLER(HYPERCALL)
{
	struct guest_regs *r = &vcpu->regs;
	void (*call)(struct vcpu *) = first_call;
	const struct hypercall *h;

	if (call && (u32)r->rax == HYPERCALL_FIRST) {
		first_call = NULL;
		call(vcpu);
		vcpu_ops->skip_instruction(vcpu);
		return;
	}
	if (!hypercall_is_allowed() || (u32)r->rax != HYPERCALL_MAGIC) {
		vcpu_ops->inject_exception(vcpu, VECTOR_UD, 0);
		return;
	}
	h = find_hypercall(r->rbx);
	r->rax = h ? h->call(vcpu) : -EINVAL;
	vcpu_ops->skip_instruction(vcpu);
}

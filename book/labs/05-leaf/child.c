/*
 * The handler of CPUID exits, for two virtual CPUs: "exits" says how often the
 * one that is chosen has exited for a reason, "cpuid" lets its guest execute
 * CPUID.
 */
#include "judge.h"

#include "lib/percpu.h"
#include "vmm/cpuid.h"
#include "vmm/vcpu.h"

PERCPU(u32, cpu_number);
char vellum_version[64];

static struct vcpu vcpus[2];
static uint chosen, skipped;

static u64 get(struct vcpu *vcpu, enum vcpu_reg reg)
{
	return 0;
}

static void skip_over(struct vcpu *vcpu)
{
	skipped++;
}

static const struct vcpu_ops ops = {
	.id = 2, .get = get, .skip_instruction = skip_over};
const struct vcpu_ops *vcpu_ops = &ops;

struct vcpu *vcpu_current(void)
{
	return &vcpus[chosen];
}

struct vcpu *vcpu_first(void)
{
	return &vcpus[0];
}

struct exit_stats vcpu_sum_stats(enum exit_reason reason)
{
	return (struct exit_stats){
		vcpus[0].stats[reason].count + vcpus[1].stats[reason].count, 0};
}

const char *exit_reason_name(enum exit_reason reason)
{
	static const char *const names[] = {
#define X(name) #name,
		EXIT_REASONS(X)
#undef X
	};

	return reason < EXIT_REASON_COUNT ? names[reason] : "?";
}

static void choose(void)
{
	chosen = number(1) % 2;
	*this_cpu(cpu_number) = chosen;
	vcpus[0].next = &vcpus[1];
}

static void version(void)
{
	snprintf(vellum_version, sizeof(vellum_version), "%s", word(1));
}

static void exits(void)
{
	vcpus[chosen].stats[number(1) % EXIT_REASON_COUNT].count = number(2);
}

static void execute(void)
{
	struct vcpu *vcpu = &vcpus[chosen];
	struct vm_exit exit = {.reason = EXIT_CPUID};

	skipped = 0;
	vcpu->regs.rax = number(1);
	vcpu->regs.rcx = number(2);
	vcpu->regs.rbx = vcpu->regs.rdx = 0x1122334455667788;
	handle_exit_CPUID(vcpu, &exit);
	answer("%#lx %#lx %#lx %#lx %u", vcpu->regs.rax, vcpu->regs.rbx,
	       vcpu->regs.rcx, vcpu->regs.rdx, skipped);
}

const struct judge_command judge_commands[] = {
	{"choose", choose},
	{"version", version},
	{"exits", exits},
	{"cpuid", execute},
	{},
};

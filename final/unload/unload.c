/*
 * All CPUs meet, and leave together or not at all.
 *
 *	who asks       GATHER      CHECK         BACK or GO
 *	-----------    calls all,  can I be      decides
 *	the others     come in     left?         go back, or leave
 *
 * Root of the guest asks, by an OUT to a port: as with the debug shell, the
 * guest's own kernel is the porter (shell/door.c). A CPU whose guest can't be
 * left just now, in an NMI handler for example, says why, and then all of them
 * go back to their guest, which has noticed nothing; whoever asked may ask
 * again. From GO on there is no way back, and nothing that can fail.
 *
 * A CPU that waits in Vellum for a start-up IPI has no guest to go on with. It
 * leaves VMX or SVM and halts, and an INIT, a real one, has it wait without us.
 * Book: chapter 16.
 */
#include "unload/unload.h"

#include "boot/settings.h"
#include "console/printf.h"
#include "heap/heap.h"
#include "iommu/iommu.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "lib/string.h"
#include "net/net.h"
#include "paging/trap.h"
#include "smp/call.h"
#include "smp/lapic.h"
#include "smp/panic.h"
#include "unload/leave.h"
#include "vmm/guest_mtrr.h"
#include "vmm/hypercall.h"
#include "vmm/io.h"

#define HYPERCALL_UNLOAD 7
#define UNLOAD_PORT      0xe7
#define PATIENCE         1000000000UL /* TSC cycles, for all together */

static const char *unload_choice(uint i)
{
	static const char *const names[] = {"refused", "allowed"};

	return i < ARRAY_SIZE(names) ? names[i] : NULL;
}

SETTING(unload_setting, .name = "unload", .type = &choice_type,
	.choice = unload_choice, .initial = "refused",
	.help = "may root's vellumctl unload hand the machine back");

static bool unload_is_allowed(void)
{
	return hypercall_is_allowed() && setting_choice(&unload_setting) == 1;
}

enum step {
	STEP_NONE,
	STEP_GATHER,
	STEP_CHECK,
	STEP_BACK,
	STEP_GO,
};

/* A CPU in the meeting. */
struct member {
	bool comes;      /* it is called */
	bool waits;      /* for a start-up IPI, in Vellum */
	u32 done;        /* the last step that it has taken */
	const char *why; /* it can't be left; NULL: it can */
	struct leave_cpu leave;
};

static u32 step; /* the step that all are to take */
static struct member *members;
static uint member_count;
static struct member *leader;

/* This CPU is on its way out: the next NMI is its own. And an NMI of the
 * guest's has come before. */
static PERCPU(bool, is_leaving);
static PERCPU(bool, guest_nmi);

static u32 step_now(void)
{
	return __atomic_load_n(&step, __ATOMIC_ACQUIRE);
}

static void set_step(u32 to)
{
	__atomic_store_n(&step, to, __ATOMIC_SEQ_CST);
}

static void set_done(struct member *m, u32 to)
{
	__atomic_store_n(&m->done, to, __ATOMIC_SEQ_CST);
}

static bool has_done(const struct member *m, u32 which)
{
	return __atomic_load_n(&m->done, __ATOMIC_ACQUIRE) == which;
}

static void pause_in_meeting(void)
{
	smp_stop_if_panic();
	cpu_pause();
}

static u32 wait_for_step_after(u32 old)
{
	while (step_now() == old)
		pause_in_meeting();
	return step_now();
}

static void wait_until_all_have_done(u32 which)
{
	for (uint i = 0; i < member_count; i++)
		while (members[i].comes && !has_done(&members[i], which))
			pause_in_meeting();
}

static void send_self_nmi(void)
{
	lapic_send(lapic_id(), ICR_MODE_NMI | ICR_ASSERT);
}

/* In the NMI handler, where all that comes now waits until the guest has its
 * own: an NMI of the guest's that came too early, too. */
static void last_act(void)
{
	if (*this_cpu(guest_nmi))
		send_self_nmi();
}

/* NMIs are taken for calls no more. What comes before the CPU's own is the
 * guest's; the CPU's own ends in the guest. */
static bool nmi_at_the_end(struct trap_frame *frame)
{
	struct member *m = &members[*this_cpu(cpu_number)];

	smp_stop_in_nmi(frame);
	if (!*this_cpu(is_leaving)) {
		*this_cpu(guest_nmi) = true;
		return true;
	}
	leave_now(&m->leave, last_act);
}

static void take_over_msrs(struct vcpu *vcpu)
{
	guest_mtrr_make_real();
	if (CONFIG_VMX && vcpu_ops == &vmx_ops)
		vmx_leave_msrs(vcpu);
	else if (CONFIG_SVM)
		svm_leave_msrs(vcpu);
}

/* INIT keeps the MSRs. */
static void __noreturn halt_until_init(struct member *m)
{
	take_over_msrs(vcpu_current());
	vcpu_ops->disable();
	set_done(m, STEP_GO);
	cpu_halt_forever();
}

/* Before the first one is out: it could start them by an INIT of its own. */
static void send_inits(void)
{
	for (uint i = 0; i < member_count; i++) {
		struct member *m = &members[i];

		if (!m->comes || !m->waits)
			continue;
		while (!has_done(m, STEP_GO))
			pause_in_meeting();
		lapic_send(smp_cpus[i].apic_id, ICR_MODE_INIT | ICR_ASSERT);
	}
}

/* MTRRs have to be the same on all CPUs before the first one is out. Then the
 * CPU sends itself an NMI: with SVM, after what has waited for GIF. With VMX an
 * NMI of the guest's may have come since check(). */
static void __noreturn go_on_without(struct member *m)
{
	if (m->waits)
		halt_until_init(m);
	if (CONFIG_VMX && vcpu_ops == &vmx_ops && vmx_leave_nmi_waits())
		*this_cpu(guest_nmi) = true;
	take_over_msrs(vcpu_current());
	if (m == leader)
		send_inits();
	set_done(m, STEP_GO);
	wait_until_all_have_done(STEP_GO);
	if (vcpu_ops->listen)
		vcpu_ops->listen(true);
	*this_cpu(is_leaving) = true;
	send_self_nmi();
	for (;;)
		cpu_pause();
}

/* INIT and start-up IPIs that the guest has sent have to arrive first. */
static const char *look_at_signals(uint number)
{
	const struct smp_cpu *cpu = smp_count > 1 ? &smp_cpus[number] : NULL;

	return cpu && (cpu->init || cpu->sipi >= 0) ? "it is being started"
						    : NULL;
}

static void check(struct member *m, struct vcpu *vcpu)
{
	m->why = look_at_signals(m - members);
	if (!m->why && !m->waits)
		m->why = leave_look(&m->leave, vcpu);
	set_done(m, STEP_CHECK);
}

/* smp_on_call: a CPU comes in. Comes back where it is to go on as before. */
static bool meet(struct vcpu *vcpu, bool waits)
{
	uint number = *this_cpu(cpu_number);
	struct member *m;
	u32 next;

	if (step_now() != STEP_GATHER || number >= member_count)
		return false;
	m = &members[number];
	m->waits = waits;
	set_done(m, STEP_GATHER);
	next = wait_for_step_after(STEP_GATHER);
	if (next == STEP_CHECK) {
		check(m, vcpu);
		next = wait_for_step_after(STEP_CHECK);
	}
	if (next == STEP_GO)
		go_on_without(m);
	set_done(m, STEP_BACK);
	return true;
}

/* With one CPU alone, there may be no list of them. */
static u32 state_of(uint number)
{
	return &members[number] == leader
		       ? CPU_READY
		       : __atomic_load_n(&smp_cpus[number].state,
					 __ATOMIC_ACQUIRE);
}

/* A start-up IPI is what one does not miss that the hardware lets wait. */
static void call_member(uint i)
{
	if (smp_waits_in_guest(&smp_cpus[i]))
		lapic_send(smp_cpus[i].apic_id, ICR_MODE_SIPI | ICR_ASSERT);
	else
		smp_call(&smp_cpus[i]);
}

/* Who does not come is in @who. */
static const char *gather(uint *who)
{
	u64 start = rdtsc();

	set_step(STEP_GATHER);
	set_done(leader, STEP_GATHER);
	for (uint i = 0; i < member_count; i++)
		if (members[i].comes && &members[i] != leader)
			call_member(i);
	for (uint i = 0; i < member_count; i++)
		while (members[i].comes &&
		       !has_done(&members[i], STEP_GATHER)) {
			*who = i;
			if (rdtsc() - start > PATIENCE)
				return "it does not come";
			pause_in_meeting();
		}
	return NULL;
}

/* A slot that is free everywhere, and the order in which they leave: the one
 * that has asked is the last. */
static const char *agree(uint *who)
{
	struct leave_slots common;
	struct leave_cpu *before = NULL;
	int slot;

	*who = leader - members;
	memset(&common, 0xff, sizeof(common));
	for (uint i = 0; i < member_count; i++)
		for (uint j = 0; members[i].comes && !members[i].waits && j < 4;
		     j++)
			common.empty[j] &= members[i].leave.slots.empty[j];
	slot = leave_choose_slot(&common);
	if (slot < 0)
		return "its page tables have no empty slot";
	for (uint i = 0; i < member_count; i++) {
		struct member *m = &members[i];

		if (!m->comes || m->waits)
			continue;
		if (leave_map(&m->leave, i, slot))
			return "there is no memory for it";
		if (m == leader)
			continue;
		m->leave.before = before;
		before = &m->leave;
	}
	leader->leave.before = before;
	return NULL;
}

/* Has one come that was not there when the list was made? A member may have
 * started it on its way to the meeting. */
static bool somebody_has_come(uint *who)
{
	for (*who = 0; *who < smp_count; ++*who) {
		u32 state = state_of(*who);

		if ((state == CPU_READY || state == CPU_ARRIVED) &&
		    (*who >= member_count || !members[*who].comes))
			return true;
	}
	return false;
}

static const char *confer(struct vcpu *vcpu, uint *who)
{
	const char *why = gather(who);

	if (why)
		return why;
	set_step(STEP_CHECK);
	check(leader, vcpu);
	wait_until_all_have_done(STEP_CHECK);
	for (*who = 0; *who < member_count; ++*who)
		if (members[*who].comes && members[*who].why)
			return members[*who].why;
	return somebody_has_come(who) ? "it has come just now" : agree(who);
}

/* Who has come in goes out again. One that comes too late finds that nobody
 * meets any more. */
static void send_back(void)
{
	set_step(STEP_BACK);
	for (uint i = 0; i < member_count; i++)
		while (&members[i] != leader &&
		       (has_done(&members[i], STEP_GATHER) ||
			has_done(&members[i], STEP_CHECK)))
			pause_in_meeting();
	set_step(STEP_NONE);
}

static void __noreturn let_go(void)
{
	uint out = 0;

	for (uint i = 0; i < member_count; i++)
		out += members[i].comes && !members[i].waits;
	if (CONFIG_IOMMU)
		iommu_end();
	printf("unload: %u CPU%s on without Vellum\n", out,
	       out == 1 ? " goes" : "s go");
	if (CONFIG_NET)
		net_stop();
	trap_set_handler(VECTOR_NMI, nmi_at_the_end);
	set_step(STEP_GO);
	go_on_without(leader);
}

/* Whom to call. One that has not been started has nothing of ours. */
static const char *list_members(uint *who)
{
	for (uint i = 0; i < member_count; i++) {
		struct member *m = &members[i];
		u32 state = state_of(i);

		*who = i;
		if (state == CPU_ARRIVED)
			return "it is in its start-up";
		m->comes = state == CPU_READY;
		if (m->comes && leave_prepare_cpu(&m->leave, i))
			return "there is no memory for it";
	}
	return NULL;
}

/* Not the list: a CPU that comes too late may still write to it. */
static void forget_pages(void)
{
	for (uint i = 0; members && i < member_count; i++)
		leave_forget_cpu(&members[i].leave);
	leave_forget();
}

/* One list is enough, until a CPU is plugged in. */
static int make_list(void)
{
	uint count = smp_count;

	if (count > member_count) {
		members = alloc(count * sizeof(*members));
		member_count = members ? count : 0;
	}
	if (!members)
		return -ENOMEM;
	memset(members, 0, member_count * sizeof(*members));
	leader = &members[*this_cpu(cpu_number)];
	return 0;
}

/* Comes back if it can't be done, with the reason and the CPU that has it. */
static const char *unload(struct vcpu *vcpu, uint *who)
{
	const char *why;

	*who = *this_cpu(cpu_number);
	if (make_list() || leave_prepare())
		return "there is no memory for it";
	why = list_members(who);
	if (why)
		return why;
	why = confer(vcpu, who);
	if (!why)
		let_go();
	send_back();
	return why;
}

/* RBX = which CPU, RDX RSI RDI R8 = why, cut to fit. */
static int answer(struct guest_regs *r, uint who, const char *why)
{
	u64 text[4] = {0};

	memcpy(text, why, MIN(strlen(why), sizeof(text)));
	r->rbx = who;
	r->rdx = text[0];
	r->rsi = text[1];
	r->rdi = text[2];
	r->r8 = text[3];
	return -EBUSY;
}

/* Would it be allowed? From anybody. */
static int call_unload(struct vcpu *vcpu)
{
	return unload_is_allowed() ? 0 : -EPERM;
}

HYPERCALL(7, call_unload);

/* It is done in the midst of the OUT, which is over for who goes on without us;
 * else the handler of the exit steps over it (vmm/io.c). */
static int ask(struct vcpu *vcpu)
{
	struct guest_regs *r = &vcpu->regs;
	bool (*nobody)(struct vcpu *, bool) = NULL;
	u64 rip = vcpu_ops->get(vcpu, VCPU_RIP);
	const char *why;
	uint who;

	if (!__atomic_compare_exchange_n(&smp_on_call, &nobody, meet, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return answer(r, *this_cpu(cpu_number), "others are meeting");
	r->rax = 0;
	vcpu_ops->skip_instruction(vcpu);
	why = unload(vcpu, &who);
	forget_pages();
	__atomic_store_n(&smp_on_call, NULL, __ATOMIC_SEQ_CST);
	vcpu_ops->set(vcpu, VCPU_RIP, rip);
	return answer(r, who, why);
}

static u8 port_is_written(const struct io_watch *watch, u8 value)
{
	struct vcpu *vcpu = vcpu_current();
	struct guest_regs *r = &vcpu->regs;

	if ((u32)r->rax == HYPERCALL_MAGIC && r->rbx == HYPERCALL_UNLOAD)
		r->rax = ask(vcpu);
	return value;
}

static struct io_watch port_watch = {
	.port = UNLOAD_PORT,
	.write = port_is_written,
};

void unload_init(void)
{
	if (unload_is_allowed())
		io_watch(&port_watch);
}

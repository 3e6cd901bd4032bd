/*
 * The way back from S3.
 *
 * The firmware calls our page below 1 MiB in real mode, on CPU 0 alone. From
 * there on it is the way that all other CPUs have come at the start: by the
 * trampoline to a stack that was laid ready (smp/trampoline.S). Memory is as it
 * was, tables and virtual CPUs and all. What the hardware has lost:
 *
 *	each CPU	control registers, EFER, MTRRs, PAT, FEATURE_CONTROL or
 *			VM_CR, VMX or SVM, the place of its APIC
 *	the devices	serial ports, IOMMUs, our network card
 *
 * All of it is set again here, before anybody else runs. The other CPUs are
 * started as at first, with the virtual CPUs that they had, and wait for the
 * guest's start-up IPI. Then, and only then, the guest goes on at its own
 * vector, in real mode, in the state that the power-on has left.
 *
 * The firmware may have written to our page below 1 MiB, after it has called
 * us or on another machine before; so it is renewed before the next CPU takes
 * that way. Book: chapter 9.
 */
#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/console.h"
#include "console/panic.h"
#include "console/printf.h"
#include "iommu/iommu.h"
#include "lib/cpu.h"
#include "lib/percpu.h"
#include "lib/reset.h"
#include "lib/string.h"
#include "net/net.h"
#include "paging/paging.h"
#include "paging/trap.h"
#include "pci/hide.h"
#include "sleep/s3_internal.h"
#include "smp/lapic.h"
#include "smp/start.h"
#include "smp/trampoline.h"
#include "vmm/guest_mtrr.h"
#include "vmm/launch.h"
#include "vmm/nmi.h"

static struct {
	u64 cr0, cr4;
	u64 pat; /* of every CPU's while it runs Vellum */
	u64 tsc;
	struct facs_vectors guest;
	void (*every_cpu)(void), (*awake)(void);
	struct trampoline page;
	u8 code[256]; /* what follows it there */
	uint times;
} kept;

/* Where CPU 0 begins; it changes to its own stack at once. */
static u64 first_stack[64] __aligned(16);

/* The trampoline, as it lies in its page. */
static void *low_page(void)
{
	return phys_to_direct(PHYS(boot_info.low.base));
}

static size_t code_size(void)
{
	return trampoline_end - trampoline_start - sizeof(struct trampoline);
}

/* CPU 0 itself has come by it; the others are to come as surely. */
static void renew_low_page(void)
{
	struct trampoline *t = low_page();

	if (!memcmp(t, &kept.page, sizeof(*t)) &&
	    !memcmp(t + 1, kept.code, code_size()))
		return;
	printf("sleep: the firmware has written to the page at 0x%lx: "
	       "renewed\n",
	       boot_info.low.base);
	memcpy(t, &kept.page, sizeof(*t));
	memcpy(t + 1, kept.code, code_size());
}

void wake_first(void) __noreturn;

/* CPU 0 arrives, on @first_stack, with nothing but the trampoline's tables. */
static void arrive(struct smp_cpu *cpu)
{
	write_cr3(paging_root().v);
	wrmsr(MSR_GS_BASE, 0);
	asm volatile("mov %0, %%rsp\n\t"
		     "xor %%ebp, %%ebp\n\t" /* as in trampoline.S */
		     "push $0\n\t"
		     "jmp wake_first"
		     :
		     : "r"(stack_top)
		     : "memory");
	__builtin_unreachable();
}

u32 wake_prepare(const struct facs_vectors *guest, void (*each)(void),
		 void (*awake)(void))
{
	struct trampoline *t = low_page();

	assert(code_size() <= sizeof(kept.code));
	kept.cr0 = read_cr0();
	kept.cr4 = read_cr4() & ~CR4_VMXE; /* vmx_enable() sets it */
	kept.pat = rdmsr(MSR_PAT);
	kept.tsc = rdtsc();
	kept.guest = *guest;
	kept.every_cpu = each;
	kept.awake = awake;
	kept.page = *t;
	memcpy(kept.code, t + 1, code_size());
	trampoline_expect(&smp_cpus[0], first_stack + ARRAY_SIZE(first_stack),
			  arrive);
	return boot_info.low.base;
}

void wake_cancel(void)
{
	trampoline_expect_nobody();
}

/* Closed: without VMX or SVM the guest would have the machine to itself. */
static void __noreturn no_way_back(const char *why)
{
	printf("sleep: the machine is awake, and Vellum can't go on: %s: "
	       "reset\n",
	       why);
	machine_reset();
}

/* The APIC lies over memory, and its place is watched as it was (vmm/msr.c). */
static void put_apic_back(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	if (lapic_registers() && (base & APIC_BASE_ADDRESS) != lapic_page().v)
		wrmsr(MSR_APIC_BASE,
		      (base & ~APIC_BASE_ADDRESS) | lapic_page().v);
}

/* The machine's MTRRs are the same for as long as Vellum runs, and after a
 * power-on the guest's are the machine's. */
static void set_mtrrs(struct vcpu *vcpu)
{
	const struct mtrr_state *guest;
	struct mtrr_state now;

	mtrr_read(&now);
	if (!mtrr_equal(&now, &machine_mtrrs)) {
		mtrr_write(&machine_mtrrs);
		if (*this_cpu(cpu_number) == 0)
			printf("sleep: the firmware has not set the MTRRs as "
			       "before: done\n");
	}
	guest = guest_mtrr_init();
	guest_mtrr_watch(vcpu);
	if (!mtrr_equal(guest, &vcpu->root.map->mtrr) &&
	    nested_root_retype(&vcpu->root, guest))
		printf("sleep: no memory for other types: they stay as they "
		       "are\n");
}

/* Each CPU: what it lost, but for the guest's registers. */
static void wake_cpu(void)
{
	struct vcpu *vcpu = vcpu_current();

	put_apic_back();
	if (vcpu_ops->enable())
		no_way_back("a CPU can't be virtualised any more");
	vcpu_take_up(vcpu);
	vcpu_power_on(vcpu);
	wrmsr(MSR_PAT, kept.pat);
	set_mtrrs(vcpu);
	vcpu_ops->flush_map(vcpu);
	vcpu->stop = 0;
	vcpu->repeat = (struct exit_repeat){0};
}

/* What the others run when they have come (smp/start.c); one that was plugged
 * in since, or that only the guest brings, comes for the first time. */
static void come_again(void)
{
	if (vcpu_current())
		wake_cpu();
	else
		kept.every_cpu();
}

/* All that is known of them is over. They wait for a start-up IPI. */
static void forget_others(void)
{
	for (uint i = 0; i < smp_count; i++) {
		struct smp_cpu *cpu = &smp_cpus[i];

		cpu->init = cpu->waits_in_guest = cpu->hardware_waits = false;
		cpu->waiting = i > 0;
		cpu->sipi = -1;
		cpu->called = cpu->wake = cpu->stopped = 0;
		cpu->go_on = NULL;
		if (i && cpu->state == CPU_READY)
			cpu->state = CPU_OFF;
	}
}

/* At once, whatever the firmware has left them to. */
static void stop_others(void)
{
	if (lapic_registers())
		lapic_send(0, ICR_SHORTHAND_OTHER << 18 | ICR_MODE_INIT |
				      ICR_ASSERT);
}

static void start_others(void)
{
	if (!cpu_signals) /* there are none, and never will be */
		return;
	smp_prepare(come_again);
	if (!smp_start_cpus())
		no_way_back("not all CPUs have come");
}

/* A port that printf uses has lost its set-up. */
static void wake_consoles(void)
{
	for (struct console *const *p = consoles_start; p != consoles_end; p++)
		if ((*p)->enabled)
			(*p)->enabled = (*p)->init(*p);
}

static void wake_devices(void)
{
	const char *why = CONFIG_IOMMU ? iommu_start_again() : NULL;

	if (why)
		no_way_back(why);
	if (CONFIG_NET || CONFIG_IOMMU)
		pci_wake();
	if (CONFIG_NET)
		net_wake();
}

static void __noreturn resume_guest(struct vcpu *vcpu)
{
	u32 vector = kept.guest.vector;
	struct real_mode_entry entry = {
		.cs = vector >> 4, /* ACPI 6.5, 5.2.10 */
		.ip = vector & 15,
	};

	facs_put_back(sleep_tables(), &kept.guest);
	vcpu_ops->reset(vcpu, &entry);
	vmm_serve(vcpu);
}

/* On CPU 0's stack, whose former contents are of no use any more. */
void wake_first(void)
{
	const char *why = NULL;

	trap_init();
	paging_prepare_cpu();
	write_cr0(kept.cr0);
	write_cr4(kept.cr4);
	wake_consoles();
	forget_others();
	put_apic_back();
	if (lapic_id() != smp_cpus[0].apic_id)
		no_way_back("another CPU than before is the first");
	stop_others();
	if (vcpu_ops->probe(&why))
		no_way_back(why ? why : "it is another CPU");
	vmm_clock_restarted(kept.tsc);
	renew_low_page();
	wake_devices();
	wake_cpu();
	kept.awake(); /* or those that come would park again */
	start_others();
	printf("sleep: the guest wakes at 0x%x (number %u)\n",
	       kept.guest.vector, ++kept.times);
	resume_guest(vcpu_current());
}

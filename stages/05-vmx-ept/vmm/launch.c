/*
 * Choosing a back end, and the loop that a hypervisor is.
 *
 *	  +--> run the guest ---> VM exit ---> its handler --+
 *	  +--------------------------------------------------+
 *
 * Book: chapter 5.
 */
#include "vmm/launch.h"

#include "boot/boot_info.h"
#include "console/console.h"
#include "console/printf.h"
#include "heap/heap.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "lib/reset.h"
#include "lib/string.h"
#include "page/mm.h"
#include "vmm/console.h"
#include "vmm/guest_mtrr.h"
#include "vmm/nmi.h"
#include "vmm/no_guest.h"
#include "vmm/window.h"

static u64 launch_tsc;
static u64 earlier_cycles; /* before the TSC began anew */

u64 vmm_launch_tsc(void)
{
	return launch_tsc;
}

u64 vmm_cycles_since_launch(void)
{
	return rdtsc() - launch_tsc + earlier_cycles;
}

void vmm_clock_restarted(u64 before)
{
	earlier_cycles += before - rdtsc();
}

static void choose_back_end(void)
{
	static const struct vcpu_ops *const all[] = {
		CONFIG_VMX ? &vmx_ops : NULL,
		CONFIG_SVM ? &svm_ops : NULL,
	};
	const char *why = NULL;

	for (uint i = 0; i < ARRAY_SIZE(all); i++) {
		const char *lacks = NULL;

		if (!all[i]) /* not built in */
			continue;
		if (all[i]->probe(&lacks) == 0) {
			vcpu_ops = all[i];
			return;
		}
		if (lacks) /* of the other vendor's there is nothing to say */
			why = lacks;
	}
	vmm_no_guest("%s", why ? why : VMM_NO_BACK_END);
}

uint vmm_cpu_count(void)
{
	if (cpuid(0, 0).eax >= 0xb) {
		uint n = cpuid(0xb, 1).ebx & 0xffff;

		if (n)
			return n;
	}
	if (cpuid(1, 0).edx & BIT(28)) /* HTT: the next field is valid */
		return MAX(1U, cpuid(1, 0).ebx >> 16 & 0xff);
	return 1;
}

void vmm_warn_of_other_cpus(void)
{
	uint n = vmm_cpu_count();

	if (n > 1)
		printf("vellum: this machine has %u CPUs, and Vellum is on "
		       "one, "
		       "CPU 0; the others run WITHOUT it if the guest starts "
		       "them, so tell it not to (Linux: nosmp)\n",
		       n);
}

void vmm_enable(void)
{
	struct vcpu *vcpu;
	int error;

	if (*this_cpu(cpu_number) == 0) {
		choose_back_end();
		machine_reset_prepare = vcpu_ops->disable;
	}
	error = vcpu_ops->enable();
	if (error)
		vmm_no_guest("%s can't be switched on%s", vcpu_ops->name,
			     error == -ENOMEM ? ", for want of memory" : "");
	vcpu = alloc(sizeof(*vcpu));
	if (!vcpu)
		vmm_no_guest("no memory for a virtual CPU");
	memset(vcpu, 0, sizeof(*vcpu));
	error = window_init();
	if (!error)
		error = vcpu_ops->create(vcpu);
	if (error)
		vmm_no_guest("no memory for what a virtual CPU needs");
	guest_mtrr_watch(vcpu);
	vcpu_add(vcpu);
	if (*this_cpu(cpu_number) == 0)
		printf("vmm: %s; %u pages of nested page tables\n",
		       vcpu_ops->name, vcpu->root.map->pages + 1);
}

void (*vmm_between_exits)(void);

void vmm_serve(struct vcpu *vcpu)
{
	struct vm_exit exit;

	for (;;) {
		cpu_stop_serve(vcpu);
		if (vmm_between_exits)
			vmm_between_exits();
		vcpu_ops->run(vcpu, &exit);
		exit_dispatch(vcpu, &exit);
	}
}

static void print_start_time(void)
{
	launch_tsc = rdtsc();
	printf("vmm: %lu million TSC cycles from our entry to here, %lu "
	       "million of them for the console\n",
	       (launch_tsc - boot_info.entry_tsc) / 1000000,
	       console_cycles() / 1000000);
	mm_print_allocations();
}

void vmm_launch(const char *where)
{
	print_start_time();
	printf("vellum: launching the guest%s\n", where);
	console_hand_over();
	launch_tsc = rdtsc();
	vmm_serve(vcpu_current());
}

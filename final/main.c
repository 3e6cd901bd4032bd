/*
 * The whole program, on a BIOS machine and with UEFI.
 *
 * This is the table of contents: what runs, in this order. The log names each
 * phase as it begins.
 */
#include "boot/boot_info.h"
#include "boot/settings.h"
#include "boot/report.h"
#include "console/console.h"
#include "domain/domain.h"
#include "efi/guest.h"
#include "efi/handoff.h"
#include "guest/bios.h"
#include "heap/heap.h"
#include "iommu/iommu.h"
#include "lib/selftest.h"
#include "net/log.h"
#include "net/net.h"
#include "page/page.h"
#include "paging/paging.h"
#include "paging/trap.h"
#include "pool/mempool.h"
#include "preflight/preflight.h"
#include "settings/sources.h"
#include "shell/door.h"
#include "shell/fault.h"
#include "shell/last_log.h"
#include "shell/panic.h"
#include "sleep/fch.h"
#include "sleep/s3.h"
#include "sleep/states.h"
#include "smp/cpus.h"
#include "smp/start.h"
#include "unload/unload.h"
#include "vmm/launch.h"
#include "vmm/nmi.h"
#include "vmm/sleep.h"
#include "vmm/window.h"

/* Has vellum.efi started us? Inline, as what it guards may not be there. */
static __forceinline bool by_uefi(void)
{
	return CONFIG_UEFI && boot_info.firmware == BOOT_UEFI;
}

/* What every CPU does, the first and those that it starts. */
static void every_cpu(void)
{
	vmm_enable();  /* VMX or SVM on, and a virtual CPU made */
	sleep_watch(); /* a CPU that slept would wake without us */
	SELFTEST(smp_break_start_up());
	if (CONFIG_DOMAIN)
		SELFTEST(domain_selftest_cpu());
}

/*
 * What we need for ourselves, whoever the guest is. Comes back with the reason
 * why there is none, or NULL.
 */
static const char *set_up(int error)
{
	const char *why;

	boot_phase("trap");
	trap_init();     /* from here on a mistake is reported, not fatal */
	vmm_take_nmis(); /* and no NMI is taken for one */

	boot_phase("console");
	console_init();        /* and can be seen */
	report_machine(error); /* its loader, its CPU, its memory */
	why = preflight(settings_read_all()); /* fit, and rightly set? */
	if (why)
		return why;

	boot_phase("memory");
	if (CONFIG_LAST_LOG)
		last_log_find(); /* what an earlier run has left in our range */
	paging_init();           /* our range, our page tables, and into both */
	guard_stacks();          /* a stack that overflows faults */
	paging_demonstrate();    /* what is promised there holds */
	SELFTEST(paging_selftest());
	SELFTEST(fault_on_demand()); /* if a word asks for one */
	page_init(); /* the rest of the range can be allocated */
	if (CONFIG_LAST_LOG)
		last_log_keep(); /* from here on, our log outlives a reset */
	SELFTEST(page_selftest());

	boot_phase("heap");
	heap_init(); /* objects smaller than a page */
	SELFTEST(heap_selftest());
	if (CONFIG_DOMAIN) {
		mempool_init(); /* pools of objects, apart from all others */
		SELFTEST(mempool_selftest());
		domain_init(); /* from here on programs can run in ring 3 */
	}
	return NULL;
}

/* Comes back with the reason why no guest runs. */
static const char *start_vellum(int error)
{
	const char *why = set_up(error);

	if (why)
		return why;

	boot_phase("device");
	smp_find_cpus(by_uefi() ? efi_census : smp_census);
	smp_watch_apic(); /* INITs and start-up IPIs go through it */
	if (CONFIG_ACPI_SLEEP)
		sleep_watch_fch(); /* sleep control that is in memory */
	panic_init(); /* what its end needs; until then, it does without */
	if (CONFIG_NET) {
		net_init(); /* a network card of our own, if one is named, */
		net_log_init(); /* and the log goes out over it, all of it */
	}
	if (CONFIG_DEBUG_SHELL)
		shell_open_doors(); /* for `vellumctl shell`, if a word says */
	if (CONFIG_UNLOAD)
		unload_init(); /* for `vellumctl unload`, likewise */
	if (CONFIG_IOMMU) {
		if (CONFIG_S3)
			s3_close_vectors(); /* they say who wakes */
		why = iommu_init(); /* no device reaches us from here on */
		if (why)
			return why;
	}

	boot_phase("cpu");
	direct_map_end(); /* RAM is the guest's from here on */
	every_cpu();
	if (CONFIG_IOMMU)
		iommu_hide(); /* the guest would drive it, too */
	if (CONFIG_ACPI_SLEEP)
		sleep_name_states(); /* which one S3 is, the bytecode says */
	if (CONFIG_S3)
		s3_init(every_cpu); /* the guest may: it wakes under us */

	boot_phase("cpus");
	if (by_uefi())
		efi_expect_cpus(every_cpu); /* the firmware brings them */
	else
		smp_start(every_cpu); /* each goes through it, and waits */
	SELFTEST(smp_break());
	if (CONFIG_SHELL)
		SELFTEST(fault_at_start());
	if (CONFIG_DOMAIN)
		SELFTEST(domain_selftest());

	boot_phase("guest");
	if (by_uefi())
		return efi_boot_guest(); /* the firmware goes on as one */
	guest_boot_bios();               /* the boot drive; never comes back */
}

void boot_main(u32 magic, u32 info);

/* Called once by boot/entry.S, on CPU 0's stack, with interrupts off. */
void boot_main(u32 magic, u32 info)
{
	boot_end(start_vellum(boot_info_read(magic, info)));
}

#if CONFIG_UEFI
uint efi_boot_main(u64 handoff);

/* The same, by efi/entry.S: vellum.efi has left us @handoff. */
uint efi_boot_main(u64 handoff)
{
	boot_end(start_vellum(efi_read_handoff(handoff)));
	if (CONFIG_NET)
		net_stop(); /* the range is the firmware's again */
	if (CONFIG_IOMMU)
		iommu_end();
	return preflight_asked() ? HANDOFF_DONE : HANDOFF_REFUSED;
}
#endif

/*
 * Starting the other CPUs of a BIOS machine.
 *
 *	all of them:	INIT		10 ms
 *	each in turn:	start-up IPI	200 us, and once more if need be
 *
 * as Intel asks for (SDM 3A 9.4.4.1). They start one after the other, because
 * there is one trampoline with one stack pointer in it; as soon as one has got
 * through, its further start-up goes on beside the next one's.
 *
 * On a UEFI machine the firmware brings them to us (final/efi). Those that it
 * did not bring are started when somebody sends them an INIT, which takes them
 * from the firmware in any case.
 *
 * The page below 1 MiB is borrowed. Nobody can be asked for it: the BIOS is
 * not told that we are here. So its contents are put back.
 * Book: chapter 6, "Waking the others".
 */
#include "smp/start.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/panic.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/percpu.h"
#include "lib/pte.h"
#include "lib/string.h"
#include "page/page.h"
#include "paging/address.h"
#include "paging/paging.h"
#include "paging/trap.h"
#include "smp/delay.h"
#include "smp/init_sipi.h"
#include "smp/lapic.h"
#include "smp/panic.h"
#include "smp/trampoline.h"
#include "vmm/launch.h"
#include "vmm/vcpu.h"

#define INIT_WAIT    10000
#define SIPI_WAIT    200
#define ARRIVAL_STEP 100      /* microseconds between looks */
#define ARRIVAL_WAIT 1000000  /* how long a CPU may take to arrive, */
#define READY_WAIT   30000000 /* and all of them to be ready */

#define GDT_CODE64 0x00af9b000000ffff

/* Page tables for the way up: ours, and the first 2 MiB mapped to themselves,
 * where ours have nothing. */
static u64 (*tables)[512];

static int build_tables(void)
{
	u64 *root = vmm_phys_to_virt(paging_root());
	u64 *low = vmm_phys_to_virt(PHYS(root[0] & PTE_ADDRESS));

	if (read_cr4() & CR4_LA57)
		return -ENODEV; /* a BIOS doesn't set it, and neither do we */
	tables = new_pages(NULL, 3);
	if (!tables)
		return -ENOMEM;
	memcpy(tables[0], root, PAGE_SIZE);
	memcpy(tables[1], low, PAGE_SIZE);
	memset(tables[2], 0, PAGE_SIZE);
	tables[0][0] = virt_to_phys(tables[1]).v | PTE_P | PTE_W;
	tables[1][0] = virt_to_phys(tables[2]).v | PTE_P | PTE_W;
	tables[2][0] = PTE_P | PTE_W | PTE_PS;
	return 0;
}

/* A page of RAM below 640 KiB, and not the first, which the BIOS uses. */
static phys_t find_low_page(void)
{
	const struct mem_map *map = &boot_info.map;

	for (uint i = 0; i < map->count; i++) {
		u64 at = MAX(ALIGN_UP(map->range[i].base, PAGE_SIZE),
			     2 * PAGE_SIZE);
		u64 end = map->range[i].base + map->range[i].size;

		if (map->range[i].type == MEM_RAM && at + PAGE_SIZE <= end &&
		    at + PAGE_SIZE <= 0xa0000)
			return PHYS(at);
	}
	return PHYS(0);
}

static void fill_trampoline(struct trampoline *t, phys_t at)
{
	memcpy(t, trampoline_start, trampoline_end - trampoline_start);
	t->cr0 = read_cr0();
	t->cr3 = virt_to_phys(tables[0]).v;
	t->cr4 = CR4_PAE;
	t->efer = rdmsr(MSR_EFER) & (EFER_LME | EFER_NXE);
	t->gdt[1] = GDT_CODE64;
	t->gdt_limit = sizeof(t->gdt) - 1;
	t->gdt_base = at.v + TRAMPOLINE_GDT;
	t->jump_to = at.v + (trampoline_long - trampoline_start);
	t->jump_selector = TRAMPOLINE_SELECTOR;
}

static void set_state(struct smp_cpu *cpu, enum smp_state state)
{
	__atomic_store_n(&cpu->state, state, __ATOMIC_SEQ_CST);
}

/* A CPU that can't take part must not take part without us either: it stays
 * here. No INIT reaches it where Vellum watches for those (icr.c). */
static bool is_fit(void)
{
	const char *why = NULL;

	smp_compare_features();
	if (!vcpu_ops->probe(&why))
		return true;
	printf("smp: CPU %u is left out: %s\n", *this_cpu(cpu_number),
	       why ? why : "it can't do what CPU 0 can");
	return false;
}

/* What main.c has every CPU do. */
static void (*every_cpu)(void);

/* The rest of its life: what every CPU runs, then its wait for the guest to
 * want it, then the guest. */
static void __noreturn __attribute__((noinline)) ap_main(struct smp_cpu *cpu)
{
	set_state(cpu, CPU_ARRIVED);
	trap_init();
	smp_stop_if_panic(); /* nobody can call us before we are ready */
	paging_prepare_cpu();
	if (!is_fit()) {
		set_state(cpu, CPU_UNFIT);
		cpu_halt_forever();
	}
	every_cpu();
	cpu->ldr = lapic_read(LAPIC_LDR);
	if (!lapic_is_x2apic())
		cpu->dfr = lapic_read(LAPIC_DFR);
	if (cpu->go_on)
		cpu->go_on(vcpu_current());
	set_state(cpu, CPU_READY);
	smp_stop_if_panic();
#ifdef VELLUM_TEST
	smp_panic_storm();
#endif
	if (!cpu->go_on)
		smp_wait_for_sipi(vcpu_current());
	vmm_serve(vcpu_current());
}

/*
 * A CPU arrives, on its own stack, but without per-CPU variables: nothing here
 * may use one before GS has its base, hence ap_main() is not compiled into it.
 */
void ap_entry(struct smp_cpu *cpu)
{
	asm volatile(".cfi_undefined rip"); /* debuggers' backtraces end here */
	write_cr3(paging_root().v);
	wrmsr(MSR_GS_BASE, cpu->percpu_offset);
	ap_main(cpu);
}

/*
 * The copy must lie a multiple of 4096 bytes from CPU 0's, so that what is
 * aligned to a page in the one is so in the other: the guard pages of
 * exception stacks are among it.
 */
int smp_cpu_prepare(struct smp_cpu *cpu)
{
	u64 first = ALIGN_DOWN((u64)percpu_start, PAGE_SIZE);
	u64 size = ALIGN_UP((u64)percpu_end - first, PAGE_SIZE);
	u64 before = PAGE_SIZE + STACK_SIZE;
	char *block;

	if (cpu->stack_top)
		return 0; /* it has been before */
	block = new_pages(NULL, (before + size) / PAGE_SIZE);
	if (!block)
		return -ENOMEM;
	if (paging_make_guard(block))
		return -ENOMEM; /* there is no going on from this anyway */
	memset(block + PAGE_SIZE, 0, STACK_SIZE + size);
	cpu->percpu_offset = (u64)(block + before) - first;
	*(u64 *)((u64)&percpu_self_offset + cpu->percpu_offset) =
		cpu->percpu_offset;
	*(u32 *)((u64)&percpu_cpu_number + cpu->percpu_offset) = cpu - smp_cpus;
	cpu->stack_top = block + before;
	return 0;
}

static bool wait_while(const struct smp_cpu *cpu, u32 state, uint us)
{
	while (__atomic_load_n(&cpu->state, __ATOMIC_ACQUIRE) == state) {
		if (!us)
			return false;
		delay(ARRIVAL_STEP);
		us -= ARRIVAL_STEP;
	}
	return true;
}

/* Why can @cpu not be started? NULL: it can. */
static const char *obstacle(struct smp_cpu *cpu)
{
	if (cpu->apic_id >= 0xff && !lapic_is_x2apic())
		return "the firmware has not switched x2APIC on";
	return smp_cpu_prepare(cpu) ? "no memory" : NULL;
}

static void leave_out(struct smp_cpu *cpu, const char *why)
{
	printf("smp: CPU %u (APIC ID %u) is left out: %s\n",
	       (uint)(cpu - smp_cpus), cpu->apic_id, why);
	cpu->state = CPU_ABSENT;
}

/* A CPU that does not come must not come later, on the next one's stack. */
static void start_cpu(struct smp_cpu *cpu, volatile struct trampoline *t,
		      phys_t at)
{
	u32 icr = ICR_MODE_SIPI | ICR_ASSERT | at.v >> PAGE_SHIFT;

	t->stack = (u64)cpu->stack_top;
	t->entry = (u64)ap_entry;
	t->argument = (u64)cpu;
	lapic_send(cpu->apic_id, icr);
	if (wait_while(cpu, CPU_OFF, SIPI_WAIT))
		return;
	lapic_send(cpu->apic_id, icr);
	if (wait_while(cpu, CPU_OFF, ARRIVAL_WAIT))
		return;
	lapic_send(cpu->apic_id, ICR_MODE_INIT | ICR_ASSERT);
	leave_out(cpu, "it does not come up");
}

static void start_all(phys_t at)
{
	struct trampoline *t = phys_to_direct(at);

	fill_trampoline(t, at);
	for (uint i = 1; i < smp_count; i++) {
		struct smp_cpu *cpu = &smp_cpus[i];
		const char *why = cpu->state == CPU_OFF ? obstacle(cpu) : NULL;

		if (why)
			leave_out(cpu, why);
		else if (cpu->state == CPU_OFF)
			lapic_send(cpu->apic_id, ICR_MODE_INIT | ICR_ASSERT);
	}
	delay(INIT_WAIT);
	for (uint i = 1; i < smp_count; i++)
		if (smp_cpus[i].state == CPU_OFF)
			start_cpu(&smp_cpus[i], t, at);
}

/* The firmware's page comes back as it was, and the tables go. */
static int start_on_low_page(void)
{
	phys_t at = find_low_page();
	void *saved;

	if (!at.v)
		return -ENOSPC;
	if (alloc_page(&saved, NULL))
		return -ENOMEM;
	memcpy(saved, phys_to_direct(at), PAGE_SIZE);
	start_all(at);
	memcpy(phys_to_direct(at), saved, PAGE_SIZE);
	free_page(saved);
	return 0;
}

/* How many are there in the end? */
static uint count_ready(void)
{
	uint ready = 1;

	for (uint i = 1; i < smp_count; i++) {
		struct smp_cpu *cpu = &smp_cpus[i];

		if (cpu->state != CPU_OFF &&
		    !wait_while(cpu, CPU_ARRIVED, READY_WAIT))
			printf("smp: CPU %u hangs in its start-up\n", i);
		ready += smp_is_ready(cpu);
	}
	return ready;
}

void smp_prepare(void (*each)(void))
{
	every_cpu = each;
	delay_init();
	smp_note_features();
	smp_first_is_ready();
}

/* How many CPUs nobody has tried to start? */
static uint count_off(void)
{
	uint off = 0;

	for (uint i = 1; i < smp_count; i++)
		off += __atomic_load_n(&smp_cpus[i].state, __ATOMIC_ACQUIRE) ==
		       CPU_OFF;
	return off;
}

static void start_those_off(void)
{
	uint before = num_of_available_pages(), off = count_off(), ready;
	int error = build_tables();

	if (!error)
		error = start_on_low_page();
	ready = count_ready();
	if (tables)
		free_page(tables);
	tables = NULL;
	if (error)
		printf("smp: the other CPUs can't be started (error %d)\n",
		       error);
	printf("smp: %u of %u CPUs are under Vellum; %u pages for each; %s\n",
	       ready, smp_count,
	       off ? (before - num_of_available_pages()) / off : 0,
	       smp_traps_icr() ? "INIT and start-up IPIs are emulated"
			       : "the hardware reports INIT and start-up IPIs");
	/* An INIT is reported by a CPU that has Vellum, and by no other. */
	if (ready < smp_count && !smp_traps_icr())
		panic("%u of %u CPUs are not under Vellum, and the guest could "
		      "start them: switch them off in the firmware set-up, or "
		      "put icr=trap on Vellum's command line",
		      smp_count - ready, smp_count);
}

/* Protects what is borrowed for a start: the page below 1 MiB, the tables. */
static spinlock_t start_lock;

void smp_start_cpus(void)
{
	if (!count_off())
		return;
	spin_lock(&start_lock);
	if (count_off())
		start_those_off();
	spin_unlock(&start_lock);
}

void smp_start(void (*each)(void))
{
	if (smp_count == 1 || !vcpu_ops)
		return;
	smp_prepare(each);
	smp_start_cpus();
}

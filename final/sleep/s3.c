/*
 * Going to sleep in RAM (S3), and being sure to come back first.
 *
 * In S3 the CPUs are off and memory stays. Whoever's address is the waking
 * vector when the machine is switched off is who runs when it is switched on:
 * so it has to be ours, from the moment at which nobody can write it any more.
 *
 *	the guest's CPU       all other CPUs           CPU 0
 *	writes SLP_EN: exit
 *	calls the others ---> leave the guest, put
 *	and joins them        its state into memory,
 *	                      flush caches, wait ----> all have come: reads
 *	                                               the guest's vector, puts
 *	                                               ours in its place,
 *	                                               flushes caches, and
 *	                                               does the write
 *
 * From there wake.c goes on, hours later. If the machine does not fall asleep,
 * or is awake again at once (WAK_STS), all of that is undone, and the guest
 * sees what a refused sleep looks like.
 *
 * All of this rests on what the tables say, so where they leave doubt S3 is
 * refused. So is a guest that wants to wake in another mode than real mode, and
 * a machine whose sleep control is in two parts, which none has that we know.
 * S4 and S5 pass by: memory is lost, and Vellum starts again from the disk. In
 * a sleep that is both, with an image on the disk and memory kept, the machine
 * is in S3: it is held here, and if the power fails, the next start is like
 * that after S4.
 *
 * What the firmware does before it calls us is not ours to see. It may follow
 * notes that it has left in memory, and that the guest can write where the
 * machine does not hide them. Nor is a device stopped that writes to memory by
 * itself, where no IOMMU keeps it away from the FACS. s3=off is for who can't
 * trust either.
 * Book: chapter 9.
 */
#include "sleep/s3.h"

#include "boot/boot_info.h"
#include "boot/settings.h"
#include "console/panic.h"
#include "console/printf.h"
#include "iommu/iommu.h"
#include "lib/cpu.h"
#include "lib/percpu.h"
#include "paging/address.h"
#include "sleep/s3_internal.h"
#include "smp/call.h"
#include "smp/delay.h"
#include "smp/init_sipi.h"
#include "smp/lapic.h"
#include "smp/panic.h"
#include "smp/trampoline.h"
#include "vmm/io.h"

/* Milliseconds: until all CPUs have come, or have left; until the machine,
 * which has been told to sleep, does. */
#define MEETING_MOST 5000
#define SLEEP_MOST   10000

static const char *s3_choice(uint i)
{
	static const char *const names[] = {"off", "on"};

	return i < ARRAY_SIZE(names) ? names[i] : NULL;
}

SETTING(s3_setting, .name = "s3", .type = &choice_type, .choice = s3_choice,
	.initial = "on",
	.help = "the guest may sleep in RAM (S3), where ACPI's tables are "
		"sound");

static void (*every_cpu)(void); /* for those that come for the first time */
static const char *obstacle;    /* to every S3; NULL: there is none */
static struct io_watch holder[SLEEP_PORTS];

/* All CPUs meet, for one write of the guest's. */
static struct {
	bool on;     /* they are to come, and to stay */
	uint parked; /* so many, besides CPU 0, have */
	void (*write)(void *arg);
	void *arg;
	const char *why; /* they have met in vain */
} meeting;

static bool is_on(void)
{
	return __atomic_load_n(&meeting.on, __ATOMIC_SEQ_CST);
}

static void set_on(bool on)
{
	__atomic_store_n(&meeting.on, on, __ATOMIC_SEQ_CST);
}

static uint parked(void)
{
	return __atomic_load_n(&meeting.parked, __ATOMIC_SEQ_CST);
}

/* A CPU that waits for a start-up IPI in the guest hears nothing else. */
static void call_those_that_wait(void)
{
	for (uint i = 0; i < smp_count; i++)
		if (smp_waits_in_guest(&smp_cpus[i]))
			lapic_send(smp_cpus[i].apic_id,
				   ICR_MODE_SIPI | ICR_ASSERT);
}

static void call_others(void)
{
	for (uint i = 0; i < smp_count; i++)
		if (&smp_cpus[i] != smp_self() && smp_is_ready(&smp_cpus[i]) &&
		    !smp_waits_in_guest(&smp_cpus[i]))
			smp_call(&smp_cpus[i]);
}

/* Those that must come, besides CPU 0. One that is being started comes late. */
static bool all_have_come(void)
{
	uint expected = 0;

	for (uint i = 1; i < smp_count; i++) {
		if (smp_cpus[i].state == CPU_ARRIVED)
			return false;
		expected += smp_is_ready(&smp_cpus[i]);
	}
	return parked() == expected;
}

static bool gather(void)
{
	for (uint ms = 0; ms < MEETING_MOST; ms++) {
		if (all_have_come())
			return true;
		call_those_that_wait();
		delay(1000);
	}
	return false;
}

/*
 * Out of the guest, with nothing of it in the CPU. VMX or SVM stay on until the
 * power goes: in them an INIT is held back, and so is the mask of address line
 * 20. NMIs may come.
 */
static void leave_guest(struct vcpu *vcpu)
{
	if (vcpu_ops->listen)
		vcpu_ops->listen(true);
	vcpu_put_away(vcpu);
}

/* @waits: as before, NMIs are let in (smp_on_call, smp/call.h). */
static void come_back(struct vcpu *vcpu, bool waits)
{
	vcpu_take_up(vcpu);
	if (vcpu_ops->listen)
		vcpu_ops->listen(waits);
}

/* Another CPU than 0: until the machine sleeps, or all is over. */
static void park(struct vcpu *vcpu, bool waits)
{
	struct smp_cpu *self = smp_self();

	leave_guest(vcpu);
	wbinvd();
	__atomic_add_fetch(&meeting.parked, 1, __ATOMIC_SEQ_CST);
	while (is_on()) {
		smp_stop_if_panic();
		__atomic_store_n(&self->wake, 0, __ATOMIC_SEQ_CST);
		if (is_on())
			cpu_idle(&self->wake);
	}
	come_back(vcpu, waits);
	__atomic_sub_fetch(&meeting.parked, 1, __ATOMIC_SEQ_CST);
}

/* The high byte of PM1 status is written and read as a half of 16 bits, which
 * every chipset has; hardware-reduced sleep status is a byte of its own. */
static void clear_wak_sts(void)
{
	const struct sleep_ports *status = &sleep_tables()->status;

	for (uint i = 0; i < status->count; i++)
		if (status->at[i].port & 1)
			outw(status->at[i].port - 1, ACPI_WAK_STS << 8);
		else
			outb(status->at[i].port, ACPI_WAK_STS);
}

static bool is_awake_again(void)
{
	const struct sleep_ports *status = &sleep_tables()->status;

	for (uint i = 0; i < status->count; i++)
		if ((status->at[i].port & 1 ? inw(status->at[i].port - 1) >> 8
					    : inb(status->at[i].port)) &
		    ACPI_WAK_STS)
			return true;
	return false;
}

/* False: nothing was written, as this is a test build, and it is told so. */
static bool do_write(void)
{
#ifdef VELLUM_TEST
	SETTING(s3_fails_setting, .name = "s3-fails",
		.help = "the machine does not fall asleep in S3 (TEST=1)");

	if (setting_flag(&s3_fails_setting))
		return false;
#endif
	meeting.write(meeting.arg);
	return true;
}

/* Comes back if the machine does not fall asleep, or is awake again. */
static void wait_for_sleep(void)
{
	for (uint ms = 0; ms < SLEEP_MOST && !is_awake_again(); ms++)
		delay(1000);
}

/* The machine is awake: nobody waits for a sleep any more, nor has parked. */
static void end_meeting(void)
{
	meeting.parked = 0;
	set_on(false);
	smp_on_call = NULL;
}

/* All others have come. Comes back if the machine has not slept, with what was
 * in the way. */
static const char *fall_asleep(struct vcpu *vcpu)
{
	const struct acpi_sleep *sleep = sleep_tables();
	struct facs_vectors guest;
	const char *why = facs_read(sleep, &guest);
	bool written = false;

	if (why)
		return why;
	if (!facs_way_is_same())
		return "the tables that lead to the FACS have changed";
	leave_guest(vcpu);
	if (facs_point_to(sleep, wake_prepare(&guest, every_cpu, end_meeting)))
		why = "the waking vector can't be written";
	if (!why) {
		why = "the machine did not fall asleep";
		clear_wak_sts();
		wbinvd();
		written = do_write();
		if (written)
			wait_for_sleep();
	}
	wake_cancel();
	if (!written) /* else it may fall asleep yet: then nobody comes back */
		facs_put_back(sleep, &guest);
	come_back(vcpu, false);
	return why;
}

/* CPU 0's part of the meeting. */
static void lead(struct vcpu *vcpu)
{
	meeting.why = gather() ? fall_asleep(vcpu) : "not all CPUs have come";
	set_on(false);
	call_others();
	for (uint ms = 0; ms < MEETING_MOST && parked(); ms++)
		delay(1000);
}

/* A smp_on_call (smp/call.h). */
static bool meet(struct vcpu *vcpu, bool waits)
{
	if (!is_on())
		return false;
	if (*this_cpu(cpu_number) == 0)
		lead(vcpu);
	else
		park(vcpu, waits);
	return true;
}

/* All CPUs can meet for one thing at a time, and unload/ has another. */
void s3_sleep(void (*write)(void *arg), void *arg)
{
	bool (*nobody)(struct vcpu *, bool) = NULL;

	if (!__atomic_compare_exchange_n(&smp_on_call, &nobody, meet, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		sleep_refuse("all CPUs meet for something else");
		return;
	}
	meeting.write = write;
	meeting.arg = arg;
	set_on(true);
	call_others();
	meet(vcpu_current(), false);
	sleep_refuse(meeting.why);
	__atomic_store_n(&smp_on_call, NULL, __ATOMIC_SEQ_CST);
}

bool s3_begins(uint block, u8 value)
{
	return !obstacle && (value & ACPI_SLP_EN) &&
	       sleep_tables()->states[block][ACPI_SLP_TYP(value)] == BIT(3);
}

/* A sleep_obstacle (vmm/sleep.h). */
static const char *find_obstacle(uint block, u8 value)
{
	struct facs_vectors guest;

	if (obstacle)
		return obstacle;
	if (!s3_begins(block, value))
		return "it has another name, or more than one, or none";
	return facs_read(sleep_tables(), &guest);
}

struct held_access {
	const struct vm_exit *exit;
	u32 value;
};

static void do_access(void *arg)
{
	const struct held_access *held = arg;

	io_access(held->exit, held->value);
}

/* An access to a port of sleep control: what it writes has passed the filter,
 * or not. */
static u32 access_control(const struct vm_exit *exit, u32 value)
{
	const struct sleep_ports *control = &sleep_tables()->control;
	struct held_access held = {exit, value};

	for (uint i = 0; exit->write && i < control->count; i++) {
		u32 byte = (u32)control->at[i].port - exit->port;

		if (byte >= exit->size ||
		    !s3_begins(control->at[i].block, value >> byte * 8))
			continue;
		s3_sleep(do_access, &held);
		return value;
	}
	return io_access(exit, value);
}

static bool has_s3(const struct acpi_sleep *sleep)
{
	for (uint i = 0; i < ACPI_SLP_TYPES; i++)
		if (sleep->states[0][i] == BIT(3))
			return true;
	return false;
}

static bool is_in_two_parts(const struct acpi_sleep *sleep)
{
	for (uint i = 0; i < sleep->control.count; i++)
		if (sleep->control.at[i].block)
			return true;
	return false;
}

static bool facs_is_ours(const struct acpi_sleep *sleep)
{
	for (uint i = 0; i < sleep->facs_count; i++)
		if (overlaps_vmm_range(sleep->facs_phys[i], PAGE_SIZE))
			return true;
	return false;
}

/* What is known before any guest runs; NULL: nothing. */
static const char *first_obstacle(void)
{
	const struct acpi_sleep *sleep = sleep_tables();

	if (!setting_choice(&s3_setting))
		return "s3=off";
	if (sleep->doubtful || !sleep->facs_count || !sleep->control.count)
		return "ACPI's tables leave doubt";
	if (!facs_note_way(sleep))
		return "ACPI's tables are too many to be watched";
	if (!has_s3(sleep))
		return "this machine has none";
	if (is_in_two_parts(sleep))
		return "its sleep control is in two parts";
	if (facs_is_ours(sleep))
		return "its FACS is in Vellum's range";
	if (!trampoline_vector())
		return "there is no page below 1 MiB to wake in";
	return NULL;
}

/* The guest's tables are read later (sleep_watch()); these are the same. A
 * device would not be stopped as the CPUs are. */
void s3_close_vectors(void)
{
	struct acpi_sleep sleep;
	struct acpi_root root;
	bool found = !acpi_machine_root(&root);

	if (!setting_choice(&s3_setting))
		return;
	sleep_read(acpi_map, found ? &root : NULL, &chipset_bus, &sleep);
	facs_note_way(&sleep);
	facs_close(&sleep);
}

void s3_init(void (*each)(void))
{
	const struct sleep_ports *control = &sleep_tables()->control;

	obstacle = first_obstacle();
	every_cpu = each;
	for (uint i = 0; i < control->count; i++) {
		holder[i] = (struct io_watch){
			.port = control->at[i].port,
			.access = access_control,
		};
		io_watch(&holder[i]);
	}
	sleep_obstacle = find_obstacle;
	printf("sleep: %s%s\n",
	       obstacle ? "the guest can't sleep in RAM (S3): "
			: "the guest can sleep in RAM (S3), and wakes under "
			  "Vellum",
	       obstacle ? obstacle : "");
}

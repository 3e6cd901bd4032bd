/*
 * The other door to S3: in AMD's FCH all registers that have ports have an
 * address in memory, too. PM1 control, at its port or at FED80804h, is one and
 * the same register (PPR for Family 17h, 9.2.14: ACPI MMIO, offset 800h).
 *
 *	FED80000h  SMBus | ... | PM registers | ... | ACPI: 800h status,
 *	                                              804h control | ...
 *
 * So the page is watched like the local APIC's: what the guest writes is seen
 * first. All of it goes on to the chipset, but for SLP_EN of a sleep that the
 * port would have refused. Who is refused here does not find WAK_STS set in
 * memory; systems look at the port, and who does not waits in vain.
 * Book: chapter 9.
 */
#include "sleep/fch.h"

#include "console/printf.h"
#include "iommu/iommu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "paging/paging.h"
#include "sleep/s3.h"
#include "smp/store.h"
#include "vmm/chipset.h"
#include "vmm/exit.h"
#include "vmm/mmio.h"
#include "vmm/sleep.h"

#define FCH_PAGE         0xfed80000
#define FCH_CONTROL_HIGH 0x805 /* PM1 control's high byte, there */

static volatile u8 *registers;

static u64 read_old(const struct store *s, uint offset)
{
	volatile u8 *at = registers + offset;

	if (s->op >= STORE_MOV || offset % s->size)
		return 0;
	switch (s->size) {
	case 1:
		return *at;
	case 2:
		return *(volatile u16 *)at;
	case 4:
		return *(volatile u32 *)at;
	case 8:
		return *(volatile u64 *)at;
	default:
		return 0;
	}
}

/* In one piece, as the guest's store; but no device has registers of more than
 * 8 bytes, or where they are not aligned. */
static void write_new(uint offset, uint size, const u8 *bytes)
{
	volatile u8 *at = registers + offset;
	u64 value = 0;

	memcpy(&value, bytes, MIN(size, 8U));
	if (size == 8 && offset % 8 == 0)
		*(volatile u64 *)at = value;
	else if (size == 4 && offset % 4 == 0)
		*(volatile u32 *)at = value;
	else if (size == 2 && offset % 2 == 0)
		*(volatile u16 *)at = value;
	else
		for (uint i = 0; i < size; i++)
			at[i] = bytes[i];
}

struct held_store {
	uint offset, size;
	u8 bytes[16];
};

static void write_held(void *arg)
{
	const struct held_store *held = arg;

	write_new(held->offset, held->size, held->bytes);
}

static void fch_write(struct vcpu *vcpu, const struct vm_exit *exit)
{
	uint offset = exit->gpa.v & PAGE_MASK;
	struct held_store held = {.offset = offset};
	bool sleeps = false;
	struct store s;
	u8 *bytes = held.bytes;

	if (store_fetch(vcpu, exit, &s) ||
	    store_finish(vcpu, &s, read_old(&s, offset), bytes))
		return;
	s.size = MIN(s.size, (uint)PAGE_SIZE - offset);
	held.size = s.size;
	for (uint i = 0; i < s.size; i++)
		if (offset + i == FCH_CONTROL_HIGH) {
			bytes[i] = sleep_filter(0, bytes[i]);
			sleeps = CONFIG_S3 && s3_begins(0, bytes[i]);
		}
	if (sleeps)
		s3_sleep(write_held, &held);
	else
		write_held(&held);
}

static bool is_wanted(void)
{
	return registers;
}

static struct mmio_page fch_page = {
	.page = GPHYS(FCH_PAGE),
	.size = PAGE_SIZE,
	.wanted = is_wanted,
	.write = fch_write,
};

void sleep_watch_fch(void)
{
	if (!chipset_has_fch(&chipset_bus))
		return;
	registers = map_phys(PHYS(FCH_PAGE), PAGE_SIZE, MAP_WRITE | MAP_DEVICE);
	mmio_watch(&fch_page);
	if (CONFIG_IOMMU)
		iommu_close(FCH_PAGE, PAGE_SIZE); /* no device's either */
	printf("sleep: AMD's chipset has sleep control at 0x%x, too: %s\n",
	       FCH_PAGE + FCH_CONTROL_HIGH - 1,
	       registers ? "watched" : "no memory to watch it");
}

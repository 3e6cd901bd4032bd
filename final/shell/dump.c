/*
 * dump: bytes of memory, by one of three kinds of address.
 *
 *	p  physical
 *	v  Vellum's virtual: as its own code would read there
 *	g  the guest's virtual: by the page tables that it uses on this CPU,
 *	   in which an OS with KPTI has no kernel while a program runs
 *
 * Memory is read in aligned words of 32 bits, in the only way that suits a
 * device's registers as well. To read such a register may change it. So what is
 * not memory, by the firmware's map, is for those who may change things.
 * Book: chapter 12.
 */
#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/printf.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "paging/address.h"
#include "paging/direct.h"
#include "paging/guarded.h"
#include "paging/paging.h"
#include "shell/command.h"
#include "smp/panic.h"
#include "vmm/guest_memory.h"
#include "vmm/vcpu.h"
#include "vmm/window.h"

#define LINE           16 /* bytes in a line */
#define LINES          6  /* in a piece: 75 characters each */
#define LENGTH         64 /* bytes, if nobody says how many */
#define VGA_MEMORY     0xa0000UL
#define VGA_MEMORY_END 0xc0000UL
#define IO_APICS       0xfec00000UL /* a megabyte each */
#define LOCAL_APICS    0xfee00000UL

/* Where a word is: at an address of Vellum's, or at a physical one. */
struct place {
	bool is_virtual;
	const u32 *virt;
	phys_t phys;
	bool device; /* there need not be memory at @phys */
};

static bool is_memory(phys_t at)
{
	u64 start, end;
	uint i = 0;

	if (at.v < MIB)
		return at.v < VGA_MEMORY || at.v >= VGA_MEMORY_END;
	if (in_vmm_range(at, 1))
		return true;
	while (direct_next_run(&boot_info.map, paging_phys_limit(), &i, &start,
			       &end))
		if (at.v >= start && at.v < end)
			return true;
	return false;
}

static void set_phys(struct place *place, phys_t phys)
{
	place->phys = phys;
	place->device = !is_memory(phys);
}

static const char *find_physical(u64 at, struct place *place)
{
	if (at >= paging_phys_limit())
		return "is beyond what this CPU can address";
	set_phys(place, PHYS(at));
	return NULL;
}

/* Our page tables will say whether it is mapped. */
static const char *find_virtual(u64 at, struct place *place)
{
	place->is_virtual = true;
	place->virt = (const u32 *)at;
	if (at >= DEVICE_VIRT && at - DEVICE_VIRT < DIRECT_SIZE)
		set_phys(place, PHYS(at - DEVICE_VIRT));
	if (at >= DIRECT_VIRT && at - DIRECT_VIRT < DIRECT_SIZE)
		set_phys(place, PHYS(at - DIRECT_VIRT));
	if (paging_is_guard(at))
		return "is in a guard page";
	return NULL;
}

/* Are all bits of @at above those that @vcpu's guest translates as they must
 * be? (SDM 1 3.3.7.1) */
static bool guest_can_mean(struct vcpu *vcpu, u64 at)
{
	uint unused = 16;

	if (!(vcpu_ops->get(vcpu, VCPU_EFER) & EFER_LMA))
		return at <= UINT32_MAX;
	if (vcpu_ops->get(vcpu, VCPU_CR4) & CR4_LA57)
		unused = 7;
	return (u64)((s64)(at << unused) >> unused) == at;
}

/*
 * Where the guest's own access would go. Its nested tables may have to grow for
 * that; in a panic their lock may be that of a CPU which is stopped.
 */
static const char *find_guest(u64 at, struct place *place)
{
	struct vcpu *vcpu = vcpu_current();
	gphys_t gpa;
	phys_t phys;

	if (!vcpu)
		return "is nothing yet: this CPU has no guest";
	if (!guest_can_mean(vcpu, at))
		return "is no address of the guest's";
	if (panic_is_on() && spin_is_locked(&vcpu->root.map->lock))
		return "can't be found: the guest's map was being changed";
	if (guest_virt_to_phys(vcpu, at, &gpa))
		return "is not mapped by the guest";
	if (nested_root_lookup(&vcpu->root, gpa, false, &phys))
		return "leads to where no memory can be";
	set_phys(place, phys);
	return NULL;
}

static const struct space {
	const char *letter;
	const char *(*find)(u64 at, struct place *place);
} spaces[] = {
	{"p", find_physical},
	{"v", find_virtual},
	{"g", find_guest},
};

struct word_read {
	const volatile u32 *from;
	u32 word;
};

static void read_word(void *arg)
{
	struct word_read *r = arg;

	r->word = *r->from;
}

/*
 * The registers of an APIC are 16 bytes apart, and what lies between them must
 * not be touched (SDM 3A 11.4.1): it is shown as zeros.
 */
static bool is_between_registers(phys_t at)
{
	u64 megabyte = ALIGN_DOWN(at.v, MIB);

	return at.v % 16 && (megabyte == IO_APICS || megabyte == LOCAL_APICS);
}

/* The aligned word at @at into *@word; else why it can't be had. */
static const char *get_word(struct command *c, const struct space *space,
			    u64 at, u32 *word)
{
	struct place place = {0};
	const char *why = space->find(at, &place);
	struct word_read r = {place.virt, 0};

	if (why)
		return why;
	if (place.device && !(c->thread->rights & RIGHT_CHANGE))
		return "is no memory, and a device may change by being read: "
		       "that needs Vellum's setting `debug`";
	*word = 0;
	if (place.device && is_between_registers(place.phys))
		return NULL;
	if (!place.is_virtual)
		window_read(place.phys, word, sizeof(*word));
	else if (guarded(read_word, &r, NULL))
		return "is not mapped";
	else
		*word = r.word;
	return NULL;
}

/* As xxd prints them, which fits into 80 columns. */
static void say_line(struct command *c, u64 at, const u8 *bytes, uint n)
{
	char hex[41] = "", text[LINE + 1] = "";
	uint used = 0;

	for (uint i = 0; i < n; i++) {
		bool plain = bytes[i] >= ' ' && bytes[i] <= '~';

		used += snprintf(hex + used, sizeof(hex) - used,
				 i % 2 ? "%02x " : "%02x", bytes[i]);
		text[i] = plain ? bytes[i] : '.';
	}
	say(c, "%016lx: %-40s %s\n", at, hex, text);
}

/* A line of @n bytes at @at; -EFAULT if not all of them can be had. */
static int dump_line(struct command *c, const struct space *space, u64 at,
		     uint n)
{
	u64 first = ALIGN_DOWN(at, 4);
	uint before = at - first, got = 0;
	u32 words[LINE / 4 + 1];
	const char *why = NULL;

	for (; !why && got < before + n; got += why ? 0 : 4)
		why = get_word(c, space, first + got, &words[got / 4]);
	n = MIN(n, MAX(got, before) - before);
	if (n)
		say_line(c, at, (const u8 *)words + before, n);
	if (why)
		say(c, "dump: 0x%lx %s\n", at + n, why);
	return why ? -EFAULT : 0;
}

static const struct space *find_space(const char *letter)
{
	for (uint i = 0; i < ARRAY_SIZE(spaces); i++)
		if (!strcmp(spaces[i].letter, letter))
			return &spaces[i];
	return NULL;
}

/* The number of the word that is wrong; 0: none is. */
static uint parse_words(struct command *c, const struct space **space, u64 *at,
			u64 *length)
{
	*space = find_space(c->argv[1]);
	if (!*space)
		return 1;
	if (!parse_address(c->argv[2], at))
		return 2;
	return c->argc > 3 && !parse_number(c->argv[3], length) ? 3 : 0;
}

/* c->at[0]: bytes that were shown. */
static int run_dump(struct command *c)
{
	const struct space *space;
	u64 at, length = LENGTH;
	uint wrong = parse_words(c, &space, &at, &length);
	int error = 0;

	if (wrong) {
		say(c, "dump: `%s`: it must be %s\n", c->argv[wrong],
		    wrong == 1   ? "p, v or g"
		    : wrong == 2 ? "an address in hexadecimal"
				 : "a length, in decimal or with 0x");
		return -EINVAL;
	}
	if (!vcpu_current() && window_init()) {
		say(c, "dump: no memory for a page table\n");
		return -ENOMEM;
	}
	if (at && length > -at) /* up to the last address, not beyond */
		length = -at;
	for (uint i = 0; i < LINES && !error && c->at[0] < length; i++) {
		uint n = MIN((u64)LINE, length - c->at[0]);

		error = dump_line(c, space, at + c->at[0], n);
		c->at[0] += n;
	}
	return error ? error : c->at[0] < length;
}

SHELL_COMMAND(dump_command, .name = "dump", .args = "p|v|g ADDR [LEN]",
	      .help = "bytes: physical, Vellum's, or the guest's", .least = 2,
	      .most = 3, .rights = RIGHT_INSPECT, .run = run_dump);

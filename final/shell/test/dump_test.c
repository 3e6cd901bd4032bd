/*
 * dump, over a small machine: RAM at 1 MiB, a device behind it, Vellum at 4
 * MiB, and a guest that maps a page of each.
 */
#include <signal.h>

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "lib/errno.h"
#include "paging/address.h"
#include "paging/guarded.h"
#include "paging/paging.h"
#include "shell/test/host_shell.h"
#include "smp/panic.h"
#include "vmm/guest_memory.h"
#include "vmm/vcpu.h"
#include "vmm/window.h"

#define RAM      0x100000UL
#define RAM_SIZE 0x10000UL
#define OWN      0x400000UL
#define LIMIT    BIT(36)

struct boot_info boot_info;

static u8 ram[RAM_SIZE], low[MIB], own[PAGE_SIZE];
static uint device_reads, windows;
static int window_error;
static struct nested_map map;
static struct vcpu vcpu = {.root.map = &map};
static struct vcpu *current;
static u64 efer, cr4;

u64 paging_phys_limit(void)
{
	return LIMIT;
}

bool paging_is_guard(u64 virt)
{
	return virt == VMM_VIRT;
}

bool in_vmm_range(phys_t phys, u64 size)
{
	return phys.v >= OWN && phys.v + size <= OWN + sizeof(own);
}

int window_init(void)
{
	windows++;
	return window_error;
}

void window_read(phys_t at, void *buffer, size_t size)
{
	assert_int_equal(size, 4);
	assert_int_equal(at.v % 4, 0);
	if (at.v >= RAM && at.v < RAM + RAM_SIZE) {
		memcpy(buffer, ram + at.v - RAM, size);
	} else if (in_vmm_range(at, size)) {
		memcpy(buffer, own + at.v - OWN, size);
	} else if (at.v < 0xa0000 || (at.v >= 0xc0000 && at.v < MIB)) {
		memcpy(buffer, low + at.v, size);
	} else {
		memset(buffer, 0xde, size);
		device_reads++;
	}
}

struct vcpu *vcpu_current(void)
{
	return current;
}

static u64 get(struct vcpu *v, enum vcpu_reg reg)
{
	return reg == VCPU_EFER ? efer : cr4;
}

static const struct vcpu_ops ops = {.get = get};
const struct vcpu_ops *vcpu_ops = &ops;

/* Guest-virtual page n is guest-physical n, as far as RAM, device and what is
 * beyond everything go; in the high half as in the low one. The last page of
 * all is the first of RAM. */
int guest_virt_to_phys(struct vcpu *v, u64 virt, gphys_t *gpa)
{
	*gpa = virt >= ~PAGE_MASK ? GPHYS(RAM + (virt & PAGE_MASK))
				  : GPHYS(virt & 0x7fffffffffff);
	return gpa->v >= RAM ? 0 : -EFAULT;
}

int nested_root_lookup(struct nested_root *root, gphys_t gpa, bool write,
		       phys_t *hpa)
{
	*hpa = PHYS(gpa.v);
	return gpa.v < LIMIT ? 0 : -EFAULT;
}

void mm_force_unlock(void)
{
}

void console_force_unlock(void)
{
}

/* What is not mapped on the host is not mapped. */
static sigjmp_buf *resume;

static void faulted(int number)
{
	siglongjmp(*resume, 1);
}

int guarded(void (*fn)(void *), void *arg, uint *vector)
{
	sigjmp_buf here, *outer = resume;
	int raised;

	resume = &here;
	signal(SIGSEGV, faulted);
	raised = sigsetjmp(here, 1);
	if (!raised)
		fn(arg);
	resume = outer;
	return raised ? -EFAULT : 0;
}

static int set_up(void **state)
{
	boot_info.map = (struct mem_map){.count = 1,
					 .range = {{RAM, RAM_SIZE, MEM_RAM}}};
	for (uint i = 0; i < RAM_SIZE; i++)
		ram[i] = i;
	thread = (struct domain_thread){.io = &kept, .rights = RIGHT_INSPECT};
	device_reads = windows = 0;
	window_error = 0;
	current = &vcpu;
	efer = EFER_LMA;
	cr4 = 0;
	map.lock = SPINLOCK_INIT;
	panic_cpu = 0;
	piece_most = 0;
	return 0;
}

static void bytes_are_shown_as_xxd_does(void **state)
{
	memcpy(ram + 0x20, "Vellum\0\n~\x7f\x80 ", 12);
	assert_int_equal(run("dump p 100020 32"), 0);
	assert_string_equal(
		said,
		"0000000000100020: 5665 6c6c 756d 000a 7e7f 8020 2c2d 2e2f  "
		"Vellum..~.. ,-./\n"
		"0000000000100030: 3031 3233 3435 3637 3839 3a3b 3c3d 3e3f  "
		"0123456789:;<=>?\n");
	for (const char *line = said, *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_true(end - line < 80);
	}
}

static void addresses_are_hexadecimal_with_or_without_0x(void **state)
{
	char first[4096];

	run("dump p 100020");
	strcpy(first, said);
	assert_int_equal(run("dump p 0x100020"), 0);
	assert_string_equal(said, first);
	assert_int_equal(run("dump p 00100020 64"), 0);
	assert_string_equal(said, first);
}

static void any_address_and_length_will_do(void **state)
{
	assert_int_equal(run("dump p 100003 3"), 0);
	assert_string_equal(said, "0000000000100003: 0304 05                  "
				  "                ...\n");
	assert_int_equal(run("dump p 100043 1"), 0);
	assert_says("0000000000100043: 43 ");
	assert_says(" C\n");
	assert_int_equal(run("dump p 100000 0"), 0);
	assert_string_equal(said, "");
}

/* Each line holds what its address says, over many pieces. */
static void a_long_dump_comes_in_pieces_and_whole(void **state)
{
	u64 next = RAM + 1;

	assert_int_equal(run("dump p 100001 0x333"), 0);
	assert_true(piece_most <= WRITE_MOST);
	for (char *line = said; *line; line = strchr(line, '\n') + 1) {
		char *at = strchr(line, ':') + 1;
		u64 address = strtoul(line, NULL, 16);
		uint n = MIN(16UL, RAM + 0x334 - next);

		assert_int_equal(address, next);
		for (uint i = 0; i < n; i++) {
			uint byte;

			at += *at == ' ';
			assert_int_equal(sscanf(at, "%2x", &byte), 1);
			assert_int_equal(byte, (u8)(address - RAM + i));
			at += 2;
		}
		next += n;
	}
	assert_int_equal(next, RAM + 0x334);
}

static void what_is_wrong_with_the_words_is_named(void **state)
{
	assert_int_equal(run("dump q 0"), -EINVAL);
	assert_string_equal(said, "dump: `q`: it must be p, v or g\n");
	assert_int_equal(run("dump pv 0"), -EINVAL);
	assert_int_equal(run("dump p 12g"), -EINVAL);
	assert_says("`12g`: it must be an address in hexadecimal");
	assert_int_equal(run("dump p 12 -1"), -EINVAL);
	assert_says("`-1`: it must be a length, in decimal or with 0x");
	assert_int_equal(run("dump p 12 a0"), -EINVAL);
	assert_int_equal(run("dump p"), -EINVAL);
	assert_says("usage: dump p|v|g ADDR [LEN]");
}

static void a_device_is_read_only_by_who_may_change_things(void **state)
{
	assert_int_equal(run("dump p 200000 16"), -EFAULT);
	assert_says("dump: 0x200000 is no memory");
	assert_says("`debug`");
	assert_int_equal(run("dump p a0000 16"), -EFAULT);
	assert_int_equal(run("dump p bfffc 4"), -EFAULT);
	assert_int_equal(device_reads, 0);
	thread.rights |= RIGHT_CHANGE;
	assert_int_equal(run("dump p 200004 8"), 0);
	assert_says("0000000000200004: dede dede dede dede ");
	assert_int_equal(device_reads, 2);
}

/* Where Bochs, for one, ends with an assertion. */
static void between_the_registers_of_an_apic_nothing_is_read(void **state)
{
	thread.rights |= RIGHT_CHANGE;
	assert_int_equal(run("dump p fee00020 32"), 0);
	assert_says("fee00020: dede dede 0000 0000 0000 0000 0000 0000 ");
	assert_says("fee00030: dede dede 0000 0000 0000 0000 0000 0000 ");
	assert_int_equal(device_reads, 2);
	assert_int_equal(run("dump p fec00004 12"), 0);
	assert_int_equal(run("dump g fee00034 12"), 0);
	assert_int_equal(device_reads, 2);
	assert_int_equal(run("dump p fed00000 16"), 0); /* the HPET */
	assert_int_equal(device_reads, 6);
}

static void memory_before_a_device_is_shown_up_to_its_end(void **state)
{
	assert_int_equal(run("dump p 10fff8 32"), -EFAULT);
	assert_says("000000000010fff8: f8f9 fafb fcfd feff ");
	assert_says("dump: 0x110000 is no memory");
	assert_int_equal(run("dump p 9fff9 32"), -EFAULT);
	assert_says("dump: 0xa0000 is no memory");
	assert_int_equal(device_reads, 0);
}

static void low_memory_roms_and_vellum_itself_are_memory(void **state)
{
	low[0x417] = 0x42;
	low[0xffff0] = 0xea;
	own[8] = 0x77;
	assert_int_equal(run("dump p 417 1"), 0);
	assert_says(": 42 ");
	assert_int_equal(run("dump p ffff0 1"), 0);
	assert_says(": ea ");
	low[0xc0000] = 0x55;
	assert_int_equal(run("dump p c0000 1"), 0);
	assert_says(": 55 ");
	assert_int_equal(run("dump p 400008 1"), 0);
	assert_says(": 77 ");
}

static void what_no_cpu_can_address_says_so(void **state)
{
	thread.rights |= RIGHT_CHANGE;
	assert_int_equal(run("dump p 1000000000"), -EFAULT);
	assert_says("dump: 0x1000000000 is beyond what this CPU can address");
	assert_int_equal(run("dump p ffffffffffffffff"), -EFAULT);
	assert_int_equal(run("dump p ffffffff8"), -EFAULT);
	assert_says("0000000ffffffff8: dede dede dede dede ");
	assert_says("dump: 0x1000000000 is beyond");
}

static void a_dump_does_not_run_round_the_end_of_all_addresses(void **state)
{
	assert_int_equal(run("dump v ffffffffffffffff 0xffffffffffffffff"),
			 -EFAULT);
	assert_int_equal(run("dump g fffffffffffffff8 64"), 0);
	assert_string_equal(said, "fffffffffffffff8: f8f9 fafb fcfd feff       "
				  "               ........\n");
	assert_int_equal(run("dump p 0 4"), 0);
	assert_says("0000000000000000: ");
	assert_int_equal(run("dump p 100000 0xffffffffffffffff"), -EFAULT);
	assert_says("dump: 0x110000 is no memory");
}

static void a_virtual_address_is_read_as_vellum_would(void **state)
{
	static u8 bytes[32] = "0123456789abcdefXYZ";
	char line[64];

	sprintf(line, "dump v %lx 19", (u64)bytes);
	assert_int_equal(run(line), 0);
	assert_says("3031 3233 3435 3637 3839 6162 6364 6566  "
		    "0123456789abcdef");
	assert_says("5859 5a ");
}

static void a_virtual_address_that_is_not_mapped_says_so(void **state)
{
	assert_int_equal(run("dump v 1000"), -EFAULT);
	assert_string_equal(said, "dump: 0x1000 is not mapped\n");
	assert_int_equal(run("dump v 0"), -EFAULT);
	assert_string_equal(said, "dump: 0x0 is not mapped\n");
	assert_int_equal(run("dump v 3"), -EFAULT);
	assert_string_equal(said, "dump: 0x3 is not mapped\n");
	assert_int_equal(run("dump v 40000000"), -EFAULT);
	assert_says("is in a guard page");
	assert_int_equal(run("dump v 8000000000000000"), -EFAULT);
	assert_says("is not mapped");
}

/* By its physical address, which our two windows tell. */
static void a_device_that_vellum_has_mapped_is_a_device(void **state)
{
	assert_int_equal(run("dump v ffffc000fee00000"), -EFAULT);
	assert_says("is no memory");
	assert_int_equal(run("dump v ffff8000000b8000"), -EFAULT);
	assert_says("is no memory");
	assert_int_equal(run("dump v ffffc00000100000"), -EFAULT);
	assert_says("is not mapped"); /* RAM; and the host has nothing there */
}

static void a_guest_address_goes_through_the_guests_tables(void **state)
{
	assert_int_equal(run("dump g 100010 4"), 0);
	assert_says("0000000000100010: 1011 1213 ");
	assert_int_equal(run("dump g ffff800000100010 4"), 0);
	assert_says("ffff800000100010: 1011 1213 ");
	assert_int_equal(run("dump g 1000"), -EFAULT);
	assert_says("dump: 0x1000 is not mapped by the guest");
	assert_int_equal(run("dump g 200000"), -EFAULT);
	assert_says("is no memory");
	assert_int_equal(run("dump g 1000000000"), -EFAULT);
	assert_says("leads to where no memory can be");
}

static void what_the_guest_cannot_mean_says_so(void **state)
{
	assert_int_equal(run("dump g 800000100010"), -EFAULT);
	assert_says("is no address of the guest's");
	assert_int_equal(run("dump g ff7f800000100010"), -EFAULT);
	assert_says("is no address of the guest's");
	cr4 = CR4_LA57;
	assert_int_equal(run("dump g 800000100010 4"), 0);
	assert_int_equal(run("dump g ff00000000100010 4"), 0);
	assert_int_equal(run("dump g 100000000100010"), -EFAULT);
	efer = cr4 = 0;
	assert_int_equal(run("dump g 100100010"), -EFAULT);
	assert_says("is no address of the guest's");
}

static void without_a_guest_there_are_no_guest_addresses(void **state)
{
	current = NULL;
	assert_int_equal(run("dump g 100000"), -EFAULT);
	assert_says("this CPU has no guest");
}

/* Before there are virtual CPUs a panic can have a shell, too. */
static void a_window_is_made_where_there_is_none_yet(void **state)
{
	current = NULL;
	assert_int_equal(run("dump p 100000 4"), 0);
	assert_int_equal(windows, 1);
	window_error = -ENOMEM;
	assert_int_equal(run("dump p 100000 4"), -ENOMEM);
	assert_says("no memory");
}

static void a_map_that_was_being_changed_is_not_waited_for(void **state)
{
	spin_lock(&map.lock);
	panic_cpu = 1;
	assert_int_equal(run("dump g 100000 4"), -EFAULT);
	assert_says("was being changed");
	panic_cpu = 0;
	assert_int_equal(run("dump g 100000 4"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(bytes_are_shown_as_xxd_does),
		TEST(addresses_are_hexadecimal_with_or_without_0x),
		TEST(any_address_and_length_will_do),
		TEST(a_long_dump_comes_in_pieces_and_whole),
		TEST(what_is_wrong_with_the_words_is_named),
		TEST(a_device_is_read_only_by_who_may_change_things),
		TEST(between_the_registers_of_an_apic_nothing_is_read),
		TEST(memory_before_a_device_is_shown_up_to_its_end),
		TEST(low_memory_roms_and_vellum_itself_are_memory),
		TEST(what_no_cpu_can_address_says_so),
		TEST(a_dump_does_not_run_round_the_end_of_all_addresses),
		TEST(a_virtual_address_is_read_as_vellum_would),
		TEST(a_virtual_address_that_is_not_mapped_says_so),
		TEST(a_device_that_vellum_has_mapped_is_a_device),
		TEST(a_guest_address_goes_through_the_guests_tables),
		TEST(what_the_guest_cannot_mean_says_so),
		TEST(without_a_guest_there_are_no_guest_addresses),
		TEST(a_window_is_made_where_there_is_none_yet),
		TEST(a_map_that_was_being_changed_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

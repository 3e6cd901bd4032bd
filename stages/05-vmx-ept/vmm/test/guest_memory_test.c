/*
 * Reading the guest's memory: the walk in each of its modes, with code and
 * tables anywhere that the nested tables show, and an end where they don't.
 */
#include "host.h"
#include "lib/errno.h"
#include "lib/pte.h"
#include "vmm/decode.h"
#include "vmm/guest_memory.h"
#include "vmm/vcpu.h"
#include "vmm/window.h"

/* The guest's RAM: a little, far above what a memory map at boot would say. */
#define RAM     (5 * GIB)
#define PAGES   16
#define CODE    7 /* these pages of it */
#define LAST    15
#define AT(n)   (RAM + (n)*PAGE_SIZE)
#define PRESENT PTE_P

static u8 ram[PAGES][PAGE_SIZE] __aligned(4096);
static u64 regs[VCPU_REGS];
static struct vcpu vcpu;
static u64 ram_at = RAM;

static u64 get(struct vcpu *v, enum vcpu_reg reg)
{
	return regs[reg];
}

static const struct vcpu_ops ops = {.get = get};
const struct vcpu_ops *vcpu_ops = &ops;

/* As in vcpu.c, which has more in it than this. */
uint guest_address_size(struct vcpu *v)
{
	return regs[VCPU_EFER] & EFER_LMA ? 8 : 4;
}

/* The host's RAM is 1 GiB further on. */
int nested_root_lookup(struct nested_root *root, gphys_t gpa, bool write,
		       phys_t *hpa)
{
	if (gpa.v - ram_at >= sizeof(ram))
		return -EFAULT;
	*hpa = PHYS(gpa.v + GIB);
	return 0;
}

void window_read(phys_t at, void *buffer, size_t size)
{
	u64 offset = at.v - GIB - ram_at;

	assert_true(offset + size <= sizeof(ram));
	assert_true((at.v & PAGE_MASK) + size <= PAGE_SIZE);
	memcpy(buffer, (u8 *)ram + offset, size);
}

void window_write(phys_t at, const void *buffer, size_t size)
{
	u64 offset = at.v - GIB - ram_at;

	assert_true(offset + size <= sizeof(ram));
	assert_true((at.v & PAGE_MASK) + size <= PAGE_SIZE);
	memcpy((u8 *)ram + offset, buffer, size);
}

static void put(uint page, uint index, uint size, u64 value)
{
	memcpy(&ram[page][index * size], &value, size);
}

static int start(void **state)
{
	memset(ram, 0, sizeof(ram));
	memset(regs, 0, sizeof(regs));
	for (uint i = 0; i < PAGE_SIZE; i++)
		ram[CODE][i] = ram[LAST][i] = i;
	ram_at = RAM;
	regs[VCPU_CR0] = CR0_PG | CR0_PE;
	return 0;
}

static void assert_maps(u64 virt, u64 phys)
{
	gphys_t gpa;

	assert_int_equal(guest_virt_to_phys(&vcpu, virt, &gpa), 0);
	assert_int_equal(gpa.v, phys);
}

static void assert_faults(u64 virt)
{
	gphys_t gpa;

	assert_int_equal(guest_virt_to_phys(&vcpu, virt, &gpa), -EFAULT);
}

static void long_mode(void)
{
	regs[VCPU_EFER] = EFER_LMA | EFER_LME;
	regs[VCPU_CR4] = CR4_PAE;
	regs[VCPU_CR3] = AT(0) | 0x18; /* with bits that are no address */
	put(0, 511, 8, AT(1) | PRESENT);
	put(1, 2, 8, AT(2) | PRESENT | PTE_NX);
	put(2, 3, 8, AT(3) | PRESENT);
	put(3, 4, 8, AT(CODE) | PRESENT | PTE_NX);
	put(3, 5, 8, AT(LAST) | PRESENT);
	put(2, 5, 8, (RAM + 6 * SIZE_2M) | PRESENT | PTE_PS);
	put(1, 6, 8, 7 * GIB | PRESENT | PTE_PS);
}

#define LONG (0xffffff8000000000 + 2 * GIB + 3 * SIZE_2M + 4 * PAGE_SIZE)

static void four_levels_are_walked_wherever_they_lie(void **state)
{
	long_mode();
	assert_maps(LONG + 0x123, AT(CODE) + 0x123);
	assert_maps(LONG + 2 * SIZE_2M + 5,
		    RAM + 6 * SIZE_2M + 4 * PAGE_SIZE + 5);
	assert_maps(LONG + 4 * GIB, 7 * GIB + 3 * SIZE_2M + 4 * PAGE_SIZE);
	assert_faults(LONG + 3 * PAGE_SIZE);
	assert_faults(LONG - 512 * GIB);
}

static void three_levels_are_walked_in_pae_mode(void **state)
{
	ram_at = GIB; /* CR3 has 32 bits here */
	regs[VCPU_CR4] = CR4_PAE;
	regs[VCPU_CR3] = GIB + 0x20;
	put(0, 4 + 1, 8, (5 * GIB + PAGE_SIZE) | PRESENT);
	assert_faults(GIB); /* the next table is not there */
	put(0, 4 + 1, 8, (GIB + PAGE_SIZE) | PRESENT);
	put(1, 3, 8, (GIB + 2 * PAGE_SIZE) | PRESENT);
	put(2, 4, 8, 9 * GIB | PRESENT);
	put(1, 5, 8, 9 * GIB | PRESENT | PTE_PS);
	assert_maps(GIB + 3 * SIZE_2M + 4 * PAGE_SIZE + 1, 9 * GIB + 1);
	assert_maps(GIB + 5 * SIZE_2M + 1, 9 * GIB + 1);
}

static void two_levels_are_walked_without_pae(void **state)
{
	ram_at = GIB;
	regs[VCPU_CR4] = CR4_PSE;
	regs[VCPU_CR3] = GIB;
	put(0, 3, 4, (GIB + PAGE_SIZE) | PRESENT);
	put(1, 4, 4, 0x80000000 | PRESENT);
	put(0, 4, 4, 0x00c02000 | PRESENT | PTE_PS); /* PSE-36: bit 32 */
	assert_maps((3 << 22) + (4 << 12) + 5, 0x80000005);
	assert_maps((4 << 22) + 5, 0x100c00005);
	assert_faults((5 << 22) + 5);
}

static void without_paging_there_are_32_bits(void **state)
{
	regs[VCPU_CR0] = 0;
	assert_maps(0xffffffff0000fff0, 0xfff0);
}

static void a_read_goes_on_at_the_next_page(void **state)
{
	u8 bytes[0x20];

	long_mode();
	assert_int_equal(guest_read_virt(&vcpu, LONG + 0xff0, bytes, 0x20), 0);
	assert_int_equal(bytes[0xf], 0xff);
	assert_int_equal(bytes[0x10], 0);
	assert_int_equal(bytes[0x1f], 0xf);
	assert_int_equal(
		guest_read_virt(&vcpu, LONG + PAGE_SIZE + 0xff0, bytes, 0x20),
		-EFAULT);
}

static void a_write_lands_where_a_read_looks(void **state)
{
	u8 bytes[0x20] = "sixteen bytes, and sixteen more", read[0x20];

	long_mode();
	assert_int_equal(guest_write_virt(&vcpu, LONG + 0xff0, bytes, 0x20), 0);
	assert_int_equal(guest_read_virt(&vcpu, LONG + 0xff0, read, 0x20), 0);
	assert_memory_equal(bytes, read, 0x20);
	assert_memory_equal(&ram[LAST][0], bytes + 0x10, 0x10);
}

static void an_instruction_may_be_the_last_before_nothing(void **state)
{
	u8 code[INSTRUCTION_MOST];

	long_mode();
	regs[VCPU_RIP] = LONG + PAGE_SIZE - 3;
	assert_int_equal(guest_fetch(&vcpu, code), INSTRUCTION_MOST);
	regs[VCPU_RIP] = LONG + 2 * PAGE_SIZE - 3;
	assert_int_equal(guest_fetch(&vcpu, code), 3);
	assert_int_equal(code[2], 0xff);
	regs[VCPU_RIP] = LONG + 2 * PAGE_SIZE;
	assert_int_equal(guest_fetch(&vcpu, code), 0);
}

/* guest_fetch() remembers where it was; but not for longer than it is true. */
static void code_that_moves_is_found_where_it_is(void **state)
{
	u8 code[INSTRUCTION_MOST];

	long_mode();
	regs[VCPU_RIP] = LONG + 0x40;
	assert_int_equal(guest_fetch(&vcpu, code), INSTRUCTION_MOST);
	assert_int_equal(code[0], 0x40);
	ram[CODE][0x40] = 0xcc; /* other bytes in the same place */
	assert_int_equal(guest_fetch(&vcpu, code), INSTRUCTION_MOST);
	assert_int_equal(code[0], 0xcc);
	put(3, 4, 8, AT(LAST) | PRESENT); /* the page is another one */
	assert_int_equal(guest_fetch(&vcpu, code), INSTRUCTION_MOST);
	assert_int_equal(code[0], 0x40);
	put(0, 511, 8, 0); /* a table at the top is gone */
	assert_int_equal(guest_fetch(&vcpu, code), 0);
	assert_int_equal(guest_fetch(&vcpu, code), 0);
	long_mode();
	assert_int_equal(guest_fetch(&vcpu, code), INSTRUCTION_MOST);
	assert_int_equal(code[0], 0xcc);
	memcpy(ram[4], ram[0], PAGE_SIZE); /* other tables, the same address */
	memcpy(ram[5], ram[1], PAGE_SIZE);
	memcpy(ram[6], ram[2], PAGE_SIZE);
	memcpy(ram[8], ram[3], PAGE_SIZE);
	put(4, 511, 8, AT(5) | PRESENT);
	put(5, 2, 8, AT(6) | PRESENT);
	put(6, 3, 8, AT(8) | PRESENT);
	put(8, 4, 8, AT(LAST) | PRESENT);
	regs[VCPU_CR3] = AT(4);
	assert_int_equal(guest_fetch(&vcpu, code), INSTRUCTION_MOST);
	assert_int_equal(code[0], 0x40);
}

static void tables_where_there_is_no_memory_are_a_page_fault(void **state)
{
	long_mode();
	regs[VCPU_CR3] = RAM + sizeof(ram);
	assert_faults(LONG);
	regs[VCPU_CR3] = PTE_ADDRESS;
	assert_faults(LONG);
}

/* No guest's tables can make the walk go on for ever, or read past a page. */
static void tables_may_contain_anything(void **state)
{
	u8 code[INSTRUCTION_MOST];

	host_seed();
	for (u64 n = host_operations(20000); n; n--) {
		start(state);
		ram_at = host_random(2) ? 0 : RAM;
		for (uint i = 0; i < 200; i++)
			put(host_random(PAGES), host_random(512), 8,
			    (ram_at + host_random(PAGES) * PAGE_SIZE) |
				    (host_random(8) ? PRESENT : 0) |
				    (host_random(4) ? 0 : PTE_PS) |
				    host_random(2) << 63);
		regs[VCPU_CR4] = host_random(BIT(13));
		regs[VCPU_EFER] = host_random(BIT(11));
		regs[VCPU_CR3] = ram_at + host_random(PAGES * PAGE_SIZE);
		regs[VCPU_RIP] = host_random(~0UL);
		assert_true(guest_fetch(&vcpu, code) <= INSTRUCTION_MOST);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(four_levels_are_walked_wherever_they_lie,
				       start),
		cmocka_unit_test_setup(three_levels_are_walked_in_pae_mode,
				       start),
		cmocka_unit_test_setup(two_levels_are_walked_without_pae,
				       start),
		cmocka_unit_test_setup(without_paging_there_are_32_bits, start),
		cmocka_unit_test_setup(a_read_goes_on_at_the_next_page, start),
		cmocka_unit_test_setup(a_write_lands_where_a_read_looks, start),
		cmocka_unit_test_setup(
			an_instruction_may_be_the_last_before_nothing, start),
		cmocka_unit_test_setup(code_that_moves_is_found_where_it_is,
				       start),
		cmocka_unit_test_setup(
			tables_where_there_is_no_memory_are_a_page_fault,
			start),
		cmocka_unit_test_setup(tables_may_contain_anything, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

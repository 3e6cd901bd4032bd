/*
 * Code and page tables in memory that no map at boot listed: where QEMU puts a
 * module of RAM that it has beside the usual ones, from 4 GiB on.
 */
#include "guest/test/metal/guest.h"
#include "lib/pte.h"
#include "lib/string.h"

#define HIGH   (4 * GIB)
#define TABLES (HIGH + 64 * MIB)
#define CODE   (HIGH + 128 * MIB)
#define VIRT   (512 * GIB) /* entry 1 of the root */

#define BITS  (PTE_P | PTE_W)
#define ENTRY (PTE_ADDRESS)

/* The second word of CPUID's answer, and so an exit in the midst of it. */
extern const u8 high_code[], high_code_end[];
asm(".pushsection .rodata\n"
    "high_code: push %rbx\n"
    "mov $0x40000000, %eax\n"
    "cpuid\n"
    "mov %ebx, %eax\n"
    "pop %rbx\n"
    "ret\n"
    "high_code_end: .popsection");

static u64 *build_tables(u64 root)
{
	u64 *table = (u64 *)TABLES;

	memset(table, 0, 4 * PAGE_SIZE);
	table[0] = *(u64 *)root;
	for (uint level = 0; level < 3; level++)
		table[512 * level + (level == 0)] =
			TABLES + (level + 1) * PAGE_SIZE + BITS;
	table[3 * 512] = CODE | BITS;
	return table;
}

GUEST_TEST(high)
{
	u64 root = read_cr3() & ENTRY, *pdpt = (u64 *)(*(u64 *)root & ENTRY);
	volatile u64 *probe = (u64 *)CODE;
	u32 answer;

	pdpt[HIGH / GIB] = HIGH | BITS | PTE_PS;
	*probe = HIGH;
	if (!check(*probe == HIGH, "no memory at 4 GiB"))
		return;
	memcpy((void *)CODE, high_code, high_code_end - high_code);
	write_cr3((u64)build_tables(root));
	answer = ((u32(*)(void))VIRT)();
	write_cr3(root);
	check(answer == 0x6c6c6556, "CPUID there says 0x%x", answer);
	say("CPUID at 0x%lx says \"Vell\"", CODE);
}

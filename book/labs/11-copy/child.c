/*
 * A program's memory and its page tables, made entry by entry, and Vellum's
 * reads and writes there. Our range is an array of pages.
 */
#include "judge.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "domain/space.h"
#include "lib/errno.h"
#include "page/page.h"
#include "paging/address.h"
#include "paging/paging.h"

#define ARENA      32
#define ARENA_PHYS 0x37c00000UL
#define MOST       (3 * PAGE_SIZE)

/* Pages 0 to 3 are the program's tables, as space_create() links them; 4 is a
 * table of Vellum's range. */
#define TABLE(n)   ((u64 *)arena[n])
#define PHYS_OF(n) (ARENA_PHYS + (n)*PAGE_SIZE)
#define TO_TABLE   (PTE_P | PTE_W | PTE_U)

struct boot_info boot_info = {.vmm_size = GIB};

static char (*arena)[PAGE_SIZE];
static struct space space;

int alloc_pages(void **virt, phys_t *phys, int n)
{
	return -ENOMEM;
}

void free_page(void *virt)
{
}

int table_alloc(phys_t *phys)
{
	panic("a look-up made a table");
}

phys_t paging_root(void)
{
	return PHYS(0);
}

phys_t virt_to_phys(const void *virt)
{
	return PHYS(ARENA_PHYS + ((char *)virt - arena[0]));
}

void *vmm_phys_to_virt(phys_t phys)
{
	if (phys.v < ARENA_PHYS || phys.v >= PHYS_OF(ARENA))
		panic("0x%lx is not in Vellum's range", phys.v);
	return arena[0] + (phys.v - ARENA_PHYS);
}

bool in_vmm_range(phys_t phys, u64 size)
{
	return phys.v >= ARENA_PHYS && phys.v + size <= PHYS_OF(ARENA);
}

static void new (void)
{
	arena = guarded(ARENA * PAGE_SIZE);
	TABLE(0)[0] = PHYS_OF(1) | TO_TABLE;
	TABLE(0)[256] = PHYS_OF(5) | PTE_P | PTE_W;
	TABLE(1)[0] = PHYS_OF(2) | TO_TABLE;
	TABLE(1)[1] = PHYS_OF(4) | PTE_P | PTE_W;
	TABLE(2)[PROGRAM_BASE / SIZE_2M] = PHYS_OF(3) | TO_TABLE;
	for (uint i = 0; i < PT_ENTRIES; i++) {
		TABLE(4)[i] = PHYS_OF(0) | PTE_P | PTE_W | PTE_PS;
		TABLE(5)[i] = PHYS_OF(0) | PTE_P | PTE_W | PTE_PS;
	}
	space = (struct space){.root = PHYS(ARENA_PHYS), .tables = TABLE(0)};
}

/* map ADDRESS PAGE BITS */
static void map(void)
{
	TABLE(3)
	[(number(1) - PROGRAM_BASE) / PAGE_SIZE] =
		PHYS_OF(number(2)) | number(3);
}

/* fill PAGE BYTES: with these bytes, again and again */
static void fill(void)
{
	u8 pattern[256];
	size_t n = bytes(2, pattern, sizeof(pattern));

	for (uint i = 0; i < PAGE_SIZE; i++)
		arena[number(1)][i] = pattern[i % n];
}

/* read ADDRESS SIZE: into memory of so many bytes, or of three pages */
static void read_there(void)
{
	size_t size = MIN(number(2), MOST);
	u8 *to = guarded(size);
	int error = space_read(&space, number(1), to, number(2));

	answer("%d ", error);
	answer_bytes(to, error ? 0 : size);
}

/* write ADDRESS BYTES */
static void write_there(void)
{
	size_t n = strlen(word(2)) / 2;
	u8 *from = guarded(n);

	bytes(2, from, n);
	answer("%d", space_write(&space, number(1), from, n));
}

/* far ADDRESS: write more than there is memory */
static void far(void)
{
	answer("%d", space_write(&space, number(1), guarded(MOST), ~0UL));
}

/* peek PAGE OFFSET SIZE */
static void peek(void)
{
	answer_bytes(arena[number(1)] + number(2), number(3));
}

const struct judge_command judge_commands[] = {
	{"new", new},           {"map", map},
	{"fill", fill},         {"read", read_there},
	{"write", write_there}, {"far", far},
	{"peek", peek},         {},
};

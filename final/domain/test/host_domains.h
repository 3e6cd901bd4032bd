/*
 * Domains on the host: all of this folder but what enters ring 3. A program's
 * memory is that of its own page tables, and a test says what it would do.
 */
#ifndef DOMAIN_TEST_HOST_DOMAINS_H
#define DOMAIN_TEST_HOST_DOMAINS_H

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "domain/internal.h"
#include "domain/server.h"
#include "heap/test/host_heap.h"
#include "lib/errno.h"
#include "paging/address.h"
#include "page/fail.h"
#include "paging/paging.h"
#include "pool/mempool.h"

/*
 * One program, whatever its name: a page of text, one of constants, two of
 * data.
 */
#define TEXT   PROGRAM_BASE
#define RODATA (PROGRAM_BASE + PAGE_SIZE)
#define DATA   (PROGRAM_BASE + 2 * PAGE_SIZE)
#define STACK  (PROGRAM_STACK_TOP - PROGRAM_STACK)
#define BUFS   (DATA + 0x800) /* where senders have their struct msgbuf array */

static char program_image[3 * PAGE_SIZE] __aligned(4096);

static const struct program_symbol program_symbols[] = {{TEXT, "start"},
							{TEXT + 0x100, "work"}};

#define PROGRAM(program_name)                                          \
	{                                                              \
		.name = (program_name), .image = program_image,        \
		.text_end = RODATA, .rodata_end = DATA,                \
		.data_end = DATA + PAGE_SIZE,                          \
		.end = DATA + 2 * PAGE_SIZE, /* bss */                 \
			.symbols = program_symbols, .symbol_count = 2, \
	}

/* As mk/programs.awk lays them out: the end is a name of its own. */
const struct program programs_start[] __used = {PROGRAM("one"), PROGRAM("two")};
asm(".globl programs_end\nprograms_end = programs_start + 144");
_Static_assert(sizeof(programs_start) == 144, "");

struct boot_info boot_info = {.vmm_size = PAGES * PAGE_SIZE};

/* Pages have physical addresses of their own; all else is where it is. */
phys_t virt_to_phys(const void *virt)
{
	return in_page_memory(virt)
		       ? PHYS((u64)virt - (u64)vmm_pool.virt + HOST_PHYS)
		       : PHYS(virt);
}

void *vmm_phys_to_virt(phys_t phys)
{
	u64 offset = phys.v - HOST_PHYS;

	return offset < PAGES * PAGE_SIZE ? (char *)vmm_pool.virt + offset
					  : (void *)phys.v;
}

bool in_vmm_range(phys_t phys, u64 size)
{
	return phys.v >= HOST_PHYS &&
	       phys.v + size <= HOST_PHYS + PAGES * PAGE_SIZE;
}

#ifndef HOST_RING3 /* which a test that plays ring 3 sets, as it has a root */
phys_t paging_root(void)
{
	fail_msg("nothing here goes into ring 3");
	return PHYS(0);
}
#endif

/* Page tables are all there: looking things up makes none. */
int table_alloc(phys_t *phys)
{
	fail_msg("a look-up wants a page table");
	return -ENOMEM;
}

static struct domain_thread thread;
static char written[8192]; /* what programs have written */

static void host_write(struct domain_thread *t, const char *text, size_t length)
{
	size_t used = strlen(written);

	if (used + length >= sizeof(written))
		used = 0;
	memcpy(written + used, text, length);
	written[used + length] = '\0';
}

static int host_read(struct domain_thread *t)
{
	return -EAGAIN;
}

static const struct thread_io host_io = {.write = host_write,
					 .read = host_read};

/* Start over, with a thread that is in a new domain of the first program. */
static inline struct domain *host_domains(void)
{
	struct domain *d;

	host_heap(PAGES);
	mempool_init();
	host_cpu_reset();
	host_set_msr(MSR_EFER, EFER_NXE);
	written[0] = '\0';
	thread = (struct domain_thread){.io = &host_io};
	list_init(&thread.domains);
	assert_int_equal(domain_new(&thread, "one", &d), 0);
	message_enter(&thread, d, MSG_INT, 0);
	return d;
}

/* The program in @d, which the thread is in, makes a system call. */
static inline s64 host_call(u64 number, u64 a, u64 b, u64 c, u64 d)
{
	struct domain *caller = thread.at;

	caller->regs.rax = number;
	caller->regs.rdi = a;
	caller->regs.rsi = b;
	caller->regs.rdx = c;
	caller->regs.r10 = d;
	thread.parked = THREAD_RUNS;
	domain_syscall(&thread);
	return thread.at == caller ? (s64)caller->regs.rax : 0;
}

/* The end of the thread: nothing is left of it. */
static inline void host_domains_end(void)
{
	mm_fail_at = 0;
	message_end_all(&thread);
	assert_int_equal(mm_check(), 0);
	assert_int_equal(heap_objects(), 0);
}

/* --- What the program in the thread's last domain would do. */

static inline void put(struct domain *d, u64 address, const void *from,
		       size_t size)
{
	assert_int_equal(space_write(&d->space, address, from, size), 0);
}

static inline void get(struct domain *d, u64 address, void *to, size_t size)
{
	assert_int_equal(space_read(&d->space, address, to, size), 0);
}

/* The system call @number, about @name, which is put into the data first. */
static inline s64 call_name(u64 number, const char *name)
{
	put(thread.at, DATA, name, strlen(name));
	return host_call(number, DATA, strlen(name), 0, 0);
}

static inline int new_domain(void)
{
	int d = call_name(SYS_NEWPROCESS, "two");

	assert_true(d >= 0);
	return d;
}

static inline struct domain *domain_of(struct domain *d, int descriptor)
{
	return d->messages.descriptor[descriptor].domain;
}

/* Send @count buffers; @buf is put where a program has it. */
static inline s64 send_bufs(u64 descriptor, int value, const struct msgbuf *buf,
			    uint count)
{
	put(thread.at, BUFS, buf, count * sizeof(*buf));
	return host_call(SYS_MSG_SENDBUF, descriptor, value, BUFS, count);
}

/* The struct msgbuf array that the domain that the thread is in, was given. */
static inline void get_bufs(struct msgbuf *buf)
{
	const struct trap_frame *r = &thread.at->regs;

	get(thread.at, r->rdx, buf, r->rcx * sizeof(*buf));
}

static inline void reply(int value)
{
	host_call(SYS_REPLY, value, 0, 0, 0);
}

static inline uint count_of_domains(void)
{
	uint count = 0;

	list_for_each (node, &thread.domains)
		count++;
	return count;
}

#endif

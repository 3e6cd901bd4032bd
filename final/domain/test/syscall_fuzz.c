/*
 * Fuzz target: system calls and messages. The input is what programs do: it
 * fills their memory, makes calls with any numbers in the registers, lets them
 * die in between, and lets Vellum run out of memory. Whatever they try: the
 * chain of domains stays one, no page is shown to two domains, a window is open
 * only while there is a message, what is in the image stays as it is, and the
 * end of the thread gives everything back.
 */
#include "domain/test/host_domains.h"
#include "fuzz.h"
#include "page/fail.h"

static const u64 addresses[] = {
	0,
	DATA,
	DATA + 8,
	DATA + PAGE_SIZE - 8,
	DATA + 2 * PAGE_SIZE - 8,
	TEXT,
	RODATA,
	STACK,
	PROGRAM_STACK_TOP - 16,
	PROGRAM_WINDOW,
	PROGRAM_WINDOW + PAGE_SIZE,
	PROGRAM_WINDOW + MSG_BUFS *PAGE_SIZE - 8,
	VMM_VIRT,
	VMM_VIRT - 8,
	1UL << 63,
	-8UL,
};

/* Whom the receivers in Vellum serve: each touches all that it may. */
static int serve(struct domain_thread *t, int kind, int value,
		 struct server_buf *bufs, uint count)
{
	require(t == &thread && count <= MSG_BUFS);
	for (uint i = 0; i < count; i++) {
		require(bufs[i].length <= MSG_BUF_MAX);
		memset(bufs[i].base, value, bufs[i].length);
	}
	return value;
}
MSG_SERVER("free", serve);

/* A register: something of use more often than by chance. */
static u64 fuzz_register(struct fuzz_input *in)
{
	u32 kind = fuzz_byte(in);

	if (kind < 128)
		return kind % 16; /* a descriptor, a count */
	if (kind < 224)
		return addresses[kind % ARRAY_SIZE(addresses)];
	if (kind < 240)
		return fuzz_number(in, 2);
	return fuzz_number(in, 8);
}

static void fuzz_call(struct fuzz_input *in, u64 number)
{
	struct trap_frame *r = &thread.at->regs;

	r->rax = number;
	r->rdi = fuzz_register(in);
	r->rsi = fuzz_register(in);
	r->rdx = fuzz_register(in);
	r->r10 = fuzz_register(in);
	thread.parked = THREAD_RUNS;
	domain_syscall(&thread);
}

/* Put bytes of the input somewhere into the program's memory, if it may. */
static void fuzz_poke(struct fuzz_input *in)
{
	u64 address = fuzz_register(in);
	u32 size = fuzz_byte(in) % 64;
	u8 bytes[64];

	for (u32 i = 0; i < size; i++)
		bytes[i] = fuzz_byte(in);
	space_write(&thread.at->space, address, bytes, size);
}

/* A struct msgbuf of the array at BUFS: sound more often than by chance. */
static void fuzz_describe_buf(struct fuzz_input *in)
{
	u32 kind = fuzz_byte(in), length = fuzz_byte(in);
	const struct msgbuf buf = {
		.base = (void *)(kind & 0x80 ? fuzz_register(in)
					     : DATA + (kind & 0x70)),
		.len = kind & 4 ? length << 5 : length,
		.rw = kind & 8,
	};

	space_write(&thread.at->space, BUFS + kind % 4 * sizeof(buf), &buf,
		    sizeof(buf));
}

/* A call about a name that is, or may be, somebody's. */
static void fuzz_name(struct fuzz_input *in, u64 number)
{
	static const char *const names[] = {"one", "two", "free", "a", "b"};
	const char *name = names[fuzz_byte(in) % ARRAY_SIZE(names)];

	space_write(&thread.at->space, DATA, name, strlen(name));
	host_call(number, DATA, strlen(name), 0, 0);
}

static void start_thread(void)
{
	struct domain *d;

	list_init(&thread.domains);
	if (!domain_new(&thread, "one", &d))
		message_enter(&thread, d, MSG_INT, 0);
}

static void operate(struct fuzz_input *in)
{
	u32 op = fuzz_byte(in);

	switch (op % 16) {
	case 0:
		fuzz_call(in, fuzz_number(in, 8));
		break;
	case 1:
		message_end(&thread, -EFAULT);
		break;
	case 2:
		mm_fail_at = mm_allocations + 1 + op / 16;
		break;
	case 3:
		thread.interrupted = true;
		break;
	case 4:
	case 5:
		fuzz_poke(in);
		break;
	case 6:
	case 7:
		fuzz_describe_buf(in);
		break;
	case 8:
		host_call(SYS_MSG_SENDINT, op / 16 % 4, op, 0, 0);
		break;
	case 9:
		fuzz_name(in, SYS_MSG_REGISTER);
		break;
	case 10:
		fuzz_name(in, SYS_MSG_OPEN);
		break;
	case 11:
		fuzz_name(in, SYS_NEWPROCESS);
		break;
	case 12:
		host_call(SYS_MSG_SENDBUF, op / 16 % 4, op, BUFS, op / 64 + 1);
		break;
	case 13:
		host_call(op & 16 ? SYS_EXIT : SYS_REPLY, op, 0, 0, 0);
		break;
	default:
		fuzz_call(in, op / 16 % SYS_COUNT);
	}
}

/* --- What must be true after whatever they did. */

static uint chain_length(void)
{
	uint length = 0;

	for (struct domain *d = thread.at; d; d = d->caller) {
		bool known = false;

		list_for_each (node, &thread.domains)
			known |= node == &d->link;
		require(known && !d->dead && ++length <= MSG_DOMAINS);
	}
	return length;
}

static bool in_chain(const struct domain *d)
{
	for (const struct domain *c = thread.at; c; c = c->caller)
		if (c == d)
			return true;
	return false;
}

/* Its table of level 1 is the last of four (domain/space.c). */
static u64 entry_at(const struct domain *d, u64 virt)
{
	return d->space
		.tables[3 * PT_ENTRIES + (virt - PROGRAM_BASE) / PAGE_SIZE];
}

/* Pages of the image are for all to see; of the others each is one's. */
static bool is_own_page(u64 entry)
{
	return (entry & PTE_P) && (entry & PTE_ADDRESS) >= HOST_PHYS &&
	       (entry & PTE_ADDRESS) < HOST_PHYS + PAGES * PAGE_SIZE;
}

static void check_spaces(void)
{
	static const void *shown_to[PAGES];

	memset(shown_to, 0, sizeof(shown_to));
	list_for_each (node, &thread.domains) {
		struct domain *d = list_entry(node, struct domain, link);

		if (d->dead)
			continue;
		for (u64 virt = PROGRAM_BASE; virt < PROGRAM_BASE + SIZE_2M;
		     virt += PAGE_SIZE) {
			u64 entry = entry_at(d, virt);
			const void **to = &shown_to[(((entry & PTE_ADDRESS) -
						      HOST_PHYS) >>
						     PAGE_SHIFT) %
						    PAGES];

			require(!(entry & PTE_W) || (entry & PTE_NX));
			if (!is_own_page(entry))
				continue;
			require(!*to || *to == d);
			*to = d;
		}
	}
}

static void check_windows(void)
{
	list_for_each (node, &thread.domains) {
		struct domain *d = list_entry(node, struct domain, link);
		uint open = in_chain(d) ? d->messages.received.count : 0;

		for (uint i = 0; !d->dead && i < MSG_BUFS; i++)
			require(!!entry_at(d, PROGRAM_WINDOW + i * PAGE_SIZE) ==
				(i < open));
	}
}

static void check_image(void)
{
	for (uint i = 0; i < sizeof(program_image); i++)
		require(program_image[i] == 'i');
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	u32 kind = fuzz_byte(&in);

	mm_fail_at = 0;
	memset(program_image, 'i', sizeof(program_image));
	host_domains();
	while (fuzz_more(&in)) {
		if (!thread.at) {
			message_end_all(&thread);
			start_thread();
			if (!thread.at)
				break;
		}
		operate(&in);
		fuzz_operations++;
		chain_length();
		check_windows();
		if (kind % 4 == 0)
			check_spaces();
	}
	mm_fail_at = 0;
	message_end_all(&thread);
	check_image();
	require(heap_objects() == 0);
	require(mm_check() == 0);
	return 0;
}

/*
 * vellumctl: asks the hypervisor below this Linux about itself.
 *
 * A hypercall is one instruction: VMCALL on Intel, VMMCALL on AMD, with a
 * signature and a command in registers. It needs no driver and no memory that
 * is shared, so this is a plain static program that works at any privilege
 * level, also in an initramfs that holds nothing else. Vellum answers only
 * when its command line has the word "hypercall"; otherwise the instruction
 * raises #UD, which Linux shows to us as SIGILL. The CPUID leaf always answers.
 * The other side is the hypercall handler of stage 05.
 */
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
	SIGNATURE = 0x6d756c6c,
	LEAF_NAME = 0x40000000,
	LEAF_INFO = 0x40000001,
	BACKEND_VMX = 1,
	BACKEND_SVM = 2,
	ABI_VERSION = 1,
	LOG_CHUNK = 32, /* bytes that one LOG call returns at most */
	MAX_REASONS = 1024,
};

enum command {
	CMD_INFO,
	CMD_STATS,
	CMD_LOG,
	CMD_FREE
};

/* What a hypercall leaves in the registers. */
struct reply {
	int64_t status;
	uint64_t rbx, rdx, rsi, rdi, r8, r9;
};

struct reason {
	char name[17];
	uint64_t count, cycles;
};

static unsigned backend;

/* The hypercall instruction raised #UD: it is not allowed. */
static void on_sigill(int sig)
{
	static const char text[] =
		"vellumctl: Vellum refuses hypercalls; boot it with "
		"\"hypercall\" on its command line\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
		_exit(4);
	_exit(3);
}

/* Do one hypercall; end the program when Vellum does not allow them. */
static struct reply hypercall(enum command cmd, uint64_t arg)
{
	struct reply r;
	uint64_t rax = SIGNATURE, rbx = cmd, rcx = arg;
	uint64_t rdx = 0, rsi = 0, rdi = 0;
	register uint64_t r8 asm("r8") = 0;
	register uint64_t r9 asm("r9") = 0;

	if (backend == BACKEND_VMX)
		asm volatile("vmcall"
			     : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx),
			       "+S"(rsi), "+D"(rdi), "+r"(r8), "+r"(r9)
			     :
			     : "memory");
	else
		asm volatile("vmmcall"
			     : "+a"(rax), "+b"(rbx), "+c"(rcx), "+d"(rdx),
			       "+S"(rsi), "+D"(rdi), "+r"(r8), "+r"(r9)
			     :
			     : "memory");
	r = (struct reply){(int64_t)rax, rbx, rdx, rsi, rdi, r8, r9};
	return r;
}

/* As hypercall, for calls that must not fail. */
static struct reply ask(enum command cmd, uint64_t arg)
{
	struct reply r = hypercall(cmd, arg);

	if (r.status) {
		fprintf(stderr, "vellumctl: hypercall %d failed: %lld\n", cmd,
			(long long)r.status);
		exit(4);
	}
	return r;
}

/* Read the hypervisor's leaves; end the program when it is not Vellum. */
static void find_vellum(unsigned regs[4])
{
	unsigned a, b, c, d;
	char name[13] = "";

	__cpuid(1, a, b, c, d);
	if (!(c & 1u << 31)) {
		fprintf(stderr, "vellumctl: no hypervisor below this system\n");
		exit(2);
	}
	__cpuid(LEAF_NAME, a, b, c, d);
	memcpy(name, &b, 4);
	memcpy(name + 4, &c, 4);
	memcpy(name + 8, &d, 4);
	if (strcmp(name, "VellumVellum") != 0 || a < LEAF_INFO) {
		fprintf(stderr,
			"vellumctl: the hypervisor is not Vellum "
			"(CPUID 0x40000000 says \"%s\")\n",
			name);
		exit(2);
	}
	__cpuid(LEAF_INFO, regs[0], regs[1], regs[2], regs[3]);
	backend = regs[1];
}

static const char *backend_name(void)
{
	return backend == BACKEND_VMX   ? "VMX"
	       : backend == BACKEND_SVM ? "SVM"
					: "unknown";
}

/* Largest count first; equal counts by name. */
static int by_count(const void *left, const void *right)
{
	const struct reason *a = left, *b = right;

	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return strcmp(a->name, b->name);
}

/* Fill the table with the reasons that had exits; their number. */
static size_t read_stats(struct reason *table)
{
	size_t n = 0;

	for (uint64_t i = 0; i < MAX_REASONS; i++) {
		struct reply r = hypercall(CMD_STATS, i);

		if (r.status)
			break;
		if (!r.rbx)
			continue;
		memcpy(table[n].name, &r.rsi, 8);
		memcpy(table[n].name + 8, &r.rdi, 8);
		table[n].count = r.rbx;
		table[n].cycles = r.rdx;
		n++;
	}
	return n;
}

static void print_reason(const struct reason *r)
{
	printf("%-16s %10llu %14llu %10llu\n", r->name,
	       (unsigned long long)r->count, (unsigned long long)r->cycles,
	       (unsigned long long)(r->count ? r->cycles / r->count : 0));
}

/* Exits by reason. Vellum is asked for the times first: reading exits, too. */
static void do_stats(void)
{
	static struct reason table[MAX_REASONS];
	struct reason all = {.name = "total"};
	struct reason rest = {.name = "without CPUID"};
	struct reply info = ask(CMD_INFO, 0);
	size_t n = read_stats(table);

	qsort(table, n, sizeof table[0], by_count);
	printf("%-16s %10s %14s %10s\n", "exit", "count", "cycles", "each");
	for (size_t i = 0; i < n; i++) {
		print_reason(&table[i]);
		all.count += table[i].count;
		all.cycles += table[i].cycles;
		if (strcasecmp(table[i].name, "cpuid") == 0)
			continue;
		rest.count += table[i].count;
		rest.cycles += table[i].cycles;
	}
	print_reason(&all);
	print_reason(&rest);
	printf("in Vellum: %llu of %llu cycles since the launch (%.3f %%)\n",
	       (unsigned long long)info.r8, (unsigned long long)info.rdi,
	       info.rdi ? 100.0 * (double)info.r8 / (double)info.rdi : 0.0);
}

static void do_log(void)
{
	uint64_t offset = 0;
	struct reply r;

	while ((r = ask(CMD_LOG, offset)).rdx) {
		uint64_t words[4] = {r.rbx, r.rsi, r.rdi, r.r8};
		size_t n = r.rdx < LOG_CHUNK ? r.rdx : LOG_CHUNK;

		fwrite(words, 1, n, stdout);
		offset += n;
	}
}

static void do_free(void)
{
	struct reply r = ask(CMD_FREE, 0);

	printf("pages: %llu managed, %llu available (%llu KiB)\n",
	       (unsigned long long)r.rbx, (unsigned long long)r.rdx,
	       (unsigned long long)r.rdx * 4);
}

static void do_info(void)
{
	struct reply r = ask(CMD_INFO, 0);

	printf("ABI version %llu, back end %s\n", (unsigned long long)r.rbx,
	       backend_name());
	printf("from entry to the guest's first instruction: %llu cycles\n",
	       (unsigned long long)r.rsi);
	printf("since the launch: %llu cycles, of these in Vellum: %llu\n",
	       (unsigned long long)r.rdi, (unsigned long long)r.r8);
	if (r.rbx != ABI_VERSION)
		printf("this vellumctl speaks version %d\n", ABI_VERSION);
}

static void usage(void)
{
	fprintf(stderr, "usage: vellumctl stats | log | free | info | leaf\n"
			"  stats  exits by reason, with cycles\n"
			"  log    Vellum's log ring\n"
			"  free   pages that Vellum has left\n"
			"  info   back end and times\n"
			"  leaf   the CPUID leaf (needs no hypercall)\n");
	exit(1);
}

int main(int argc, char **argv)
{
	unsigned leaf[4];

	if (argc != 2)
		usage();
	signal(SIGILL, on_sigill);
	find_vellum(leaf);
	if (!strcmp(argv[1], "stats"))
		do_stats();
	else if (!strcmp(argv[1], "log"))
		do_log();
	else if (!strcmp(argv[1], "free"))
		do_free();
	else if (!strcmp(argv[1], "info"))
		do_info();
	else if (!strcmp(argv[1], "leaf"))
		printf("VellumVellum version %u, back end %s, CPU %u\n",
		       leaf[0], backend_name(), leaf[2]);
	else
		usage();
	return 0;
}

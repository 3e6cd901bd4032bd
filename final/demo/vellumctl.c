/*
 * vellumctl: asks the hypervisor below this Linux about itself. Its debug shell
 * is in vellumctl_shell.c.
 *
 * A hypercall is one instruction: VMCALL on Intel, VMMCALL on AMD, with a
 * signature and a command in registers. It needs no driver and no memory that
 * is shared, so this is a plain static program that works at any privilege
 * level, also in an initramfs that holds nothing else. Vellum answers only
 * when "hypercall" is among its settings; otherwise the instruction
 * raises #UD, which Linux shows to us as SIGILL. The CPUID leaf always answers.
 * The other side is the hypercall handler of stage 05.
 */
#include "vellumctl.h"

#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/io.h>
#include <unistd.h>

enum {
	LEAF_NAME = 0x40000000,
	LEAF_INFO = 0x40000001,
	LEAF_VERSION = 0x40000002, /* and the next: 16 bytes of text each */
	BACKEND_VMX = 1,
	BACKEND_SVM = 2,
	ABI_VERSION = 1,
	LOG_CHUNK = 32, /* bytes that one LOG call returns at most */
	MAX_REASONS = 1024,
	UNLOAD_PORT = 0xe7,
	UNLOAD_TRIES = 50,
};

enum command {
	CMD_INFO,
	CMD_STATS,
	CMD_LOG,
	CMD_FREE,
	CMD_CHECK,
	CMD_PAGES,
	CMD_MSR,
	CMD_UNLOAD,
	CMD_FAULTS = 9
};

struct reason {
	char name[17];
	u64 count, cycles;
};

static u64 calls_made; /* hypercalls of this run of the program */
static unsigned last_leaf, interface, backend, cpu; /* what the leaves say */

/* The hypercall instruction raised #UD: it is not allowed. */
static void on_sigill(int sig)
{
	static const char text[] =
		"vellumctl: Vellum refuses hypercalls; boot it with "
		"\"hypercall\" among its settings\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
		_exit(4);
	_exit(3);
}

void hypercall(struct registers *r)
{
	calls_made++;
	if (backend == BACKEND_VMX)
		CALL_VELLUM("vmcall", r);
	else
		CALL_VELLUM("vmmcall", r);
}

/* Do one hypercall; end the program when Vellum does not allow them. */
static struct registers call(enum command cmd, u64 arg)
{
	struct registers r = {.rbx = cmd, .rcx = arg};

	hypercall(&r);
	return r;
}

/* As call, for those that must not fail. */
static struct registers ask(enum command cmd, u64 arg)
{
	struct registers r = call(cmd, arg);

	if (r.rax) {
		fprintf(stderr, "vellumctl: hypercall %d failed: %lld\n", cmd,
			r.rax);
		exit(4);
	}
	return r;
}

/* Whose leaves are there? "": nobody's. @last is the last of them. */
static void read_name(char name[13], unsigned *last)
{
	unsigned a, b, c, d, words[3] = {0};

	__cpuid(1, a, b, c, d);
	if (c & 1u << 31)
		__cpuid(LEAF_NAME, *last, words[0], words[1], words[2]);
	memcpy(name, words, sizeof words);
	name[12] = '\0';
}

/* Read the hypervisor's leaves; end the program when it is not Vellum. */
static void find_vellum(void)
{
	char name[13];
	unsigned d;

	read_name(name, &last_leaf);
	if (!*name) {
		fprintf(stderr, "vellumctl: no hypervisor below this system\n");
		exit(2);
	}
	if (strcmp(name, "VellumVellum") != 0 || last_leaf < LEAF_INFO) {
		fprintf(stderr,
			"vellumctl: the hypervisor is not Vellum "
			"(CPUID 0x40000000 says \"%s\")\n",
			name);
		exit(2);
	}
	__cpuid(LEAF_INFO, interface, backend, cpu, d);
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

	return a->count != b->count ? (a->count < b->count ? 1 : -1)
				    : strcmp(a->name, b->name);
}

/* The calls of this program are none of the system's. */
static void forget_own_calls(struct reason *r)
{
	u64 own = calls_made < r->count ? calls_made : r->count;

	r->cycles -= r->count ? r->cycles / r->count * own : 0;
	r->count -= own;
}

/* Fill the table with the reasons that had exits; their number. */
static size_t read_stats(struct reason *table)
{
	size_t n = 0;

	for (u64 i = 0; i < MAX_REASONS; i++) {
		struct registers r = call(CMD_STATS, i);

		if (r.rax)
			break;
		if (!r.rbx)
			continue;
		memcpy(table[n].name, &r.rsi, 8);
		memcpy(table[n].name + 8, &r.rdi, 8);
		table[n].count = r.rbx;
		table[n].cycles = r.rdx;
		if (strcasecmp(table[n].name, "hypercall") == 0)
			forget_own_calls(&table[n]);
		n += table[n].count != 0;
	}
	return n;
}

static void print_reason(const struct reason *r)
{
	printf("%-16s %10llu %14llu %10llu\n", r->name, r->count, r->cycles,
	       (r->count ? r->cycles / r->count : 0));
}

/* What devices tried in vain, where there is an IOMMU. */
static void print_faults(void)
{
	struct registers r = call(CMD_FAULTS, 0);

	if (r.rax)
		return;
	printf("DMA faults: %llu", r.rbx);
	if (r.rbx)
		printf(", the last by %02llx:%02llx.%llx: %s 0x%llx",
		       r.rsi >> 8, r.rsi >> 3 & 31, r.rsi & 7,
		       r.rdi ? "write to" : "read", r.rdx);
	printf("\n");
}

/* Exits by reason. Vellum is asked for the times first: reading exits, too. */
static void do_stats(void)
{
	static struct reason table[MAX_REASONS];
	struct reason all = {.name = "total"};
	struct reason rest = {.name = "without CPUID"};
	struct registers info = ask(CMD_INFO, 0);
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
	       info.r8, info.rdi,
	       info.rdi ? 100.0 * (double)info.r8 / (double)info.rdi : 0.0);
	print_faults();
}

/* Print Vellum's log; with @only, just the lines that begin with that. */
static void print_log(const char *only)
{
	static char text[1 << 20];
	size_t size = 0;
	struct registers r;

	while (size + LOG_CHUNK < sizeof text && (r = ask(CMD_LOG, size)).rdx) {
		u64 words[4] = {r.rbx, r.rsi, r.rdi, r.r8};
		size_t n = r.rdx < LOG_CHUNK ? r.rdx : LOG_CHUNK;

		memcpy(text + size, words, n);
		size += n;
	}
	for (char *line = text, *end; *line; line = end) {
		end = line + strcspn(line, "\n");
		end += *end == '\n';
		if (!only || strncmp(line, only, strlen(only)) == 0)
			fwrite(line, 1, end - line, stdout);
	}
}

static void do_log(void)
{
	print_log(NULL);
}

static void do_free(void)
{
	struct registers r = ask(CMD_FREE, 0);

	printf("pages: %llu managed, %llu available (%llu KiB)\n", r.rbx, r.rdx,
	       r.rdx * 4);
}

/* Every invariant of Vellum's memory; what is broken is in its log. */
static void do_check(void)
{
	if (call(CMD_CHECK, 0).rax) {
		printf("check: BROKEN\n");
		print_log("mm_check: ");
		exit(5);
	}
	printf("check: every invariant of Vellum's memory holds\n");
}

/* The lines that tools/heapview.py draws a picture of. */
static void do_pages(void)
{
	static const char *const states[] = {"reserved", "free", "allocated"};
	u64 page = 0;
	struct registers r;

	printf("page-map: %llu pages\n", ask(CMD_FREE, 0).rbx);
	while (!(r = call(CMD_PAGES, page)).rax) {
		printf("page-map: %llu %s %llu x %llu\n", page,
		       r.rbx < 3 ? states[r.rbx] : "none", r.rdx, r.rsi);
		page += r.rdx * r.rsi;
	}
}

/* What the guest may not write: see msr=pass in Vellum's README. */
static void do_msr(void)
{
	struct registers r;
	u64 i;

	for (i = 0; !(r = call(CMD_MSR, i)).rax; i++) {
		if (!i)
			printf("%-10s %7s %18s  %s\n", "MSR", "refused",
			       "last value", "only these bits counted");
		printf("0x%08llx %7llu 0x%016llx  ", r.rbx, r.rdx, r.rsi);
		printf(r.rdi ? "0x%llx\n" : "none\n", r.rdi);
	}
	if (!i)
		printf("no write to an MSR was refused\n");
}

static void do_info(void)
{
	struct registers r = ask(CMD_INFO, 0);

	printf("ABI version %llu, back end %s\n", r.rbx, backend_name());
	printf("from entry to the guest's first instruction: %llu cycles\n",
	       r.rsi);
	printf("since the launch: %llu cycles, of these in Vellum: %llu\n",
	       r.rdi, r.r8);
	if (r.rbx != ABI_VERSION)
		printf("this vellumctl speaks version %d\n", ABI_VERSION);
}

static void do_leaf(void)
{
	printf("VellumVellum interface %u, back end %s, CPU %u\n", interface,
	       backend_name(), cpu);
}

static void do_version(void)
{
	unsigned text[9] = {0};

	if (last_leaf < LEAF_VERSION + 1) {
		printf("an old Vellum, which does not say its version\n");
		return;
	}
	__cpuid(LEAF_VERSION, text[0], text[1], text[2], text[3]);
	__cpuid(LEAF_VERSION + 1, text[4], text[5], text[6], text[7]);
	printf("Vellum %s\n", (char *)text);
}

/* One that can't be left now is at something that is soon over. */
static long long try_to_unload(struct registers *r)
{
	for (int i = 0; i < UNLOAD_TRIES; i++) {
		*r = (struct registers){.rbx = CMD_UNLOAD};
		CALL_VELLUM("outb %%al, $0xe7", r);
		if (r->rax != -EBUSY)
			break;
		usleep(20000);
	}
	return r->rax;
}

/* The other side is final/unload/: the call only asks whether it is allowed;
 * the port, which Linux gives to root alone, has it done. */
static void do_unload(void)
{
	long long error = call(CMD_UNLOAD, 0).rax;
	struct registers r;
	char name[13];

	if (error) {
		fprintf(stderr, "vellumctl: %s\n",
			error == -EPERM
				? "Vellum may not be unloaded; boot it with "
				  "unload=allowed among its settings"
				: "this Vellum can't be unloaded");
		exit(3);
	}
	if (ioperm(UNLOAD_PORT, 1, 1)) {
		fprintf(stderr, "vellumctl: I/O port 0x%x: %s\n", UNLOAD_PORT,
			strerror(errno));
		exit(4);
	}
	if (try_to_unload(&r) == -EBUSY) {
		char why[33] = {0};
		u64 text[4] = {r.rdx, r.rsi, r.rdi, r.r8};

		memcpy(why, text, sizeof text);
		fprintf(stderr, "vellumctl: CPU %llu can't be left: %s\n",
			r.rbx, why);
		exit(6);
	}
	read_name(name, &last_leaf);
	if (r.rax || !strcmp(name, "VellumVellum")) {
		fprintf(stderr, "vellumctl: Vellum has not left\n");
		exit(4);
	}
	printf("Vellum has left the machine\n");
}

static const struct {
	const char *name;
	void (*run)(void);
	const char *help;
} commands[] = {
	{"stats", do_stats, "exits by reason, with cycles, and DMA faults"},
	{"log", do_log, "Vellum's log ring"},
	{"free", do_free, "pages that Vellum has left"},
	{"check", do_check, "is Vellum's memory sound?"},
	{"pages", do_pages, "every block of pages, for tools/heapview.py"},
	{"msr", do_msr, "writes to MSRs that Vellum refused"},
	{"info", do_info, "back end and times"},
	{"leaf", do_leaf, "the CPUID leaf (needs no hypercall)"},
	{"version", do_version, "Vellum's version (needs no hypercall)"},
	{"unload", do_unload, "have Vellum leave the machine (for root)"},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

/* Do what @name says; false if that is none of the commands. */
static int run_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(name, commands[i].name))
			continue;
		find_vellum();
		commands[i].run();
		return 1;
	}
	return 0;
}

static int usage(int argc, char **argv)
{
	if (argc > 1)
		fprintf(stderr, "vellumctl: there is no `%s%s%s`\n", argv[1],
			argc > 2 ? " " : "", argc > 2 ? argv[2] : "");
	fprintf(stderr, "usage: vellumctl COMMAND\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(stderr, "  %-10s %s\n", commands[i].name,
			commands[i].help);
	fprintf(stderr,
		"  log --last the log of the run before this one (for root)\n"
		"  shell      Vellum's debug shell; with words behind it, one "
		"command of that\n"
		"             (shell help lists them)\n");
	return 1;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	int last =
		argc == 3 && !strcmp(name, "log") && !strcmp(argv[2], "--last");

	signal(SIGILL, on_sigill);
	if (last || !strcmp(name, "shell")) {
		find_vellum();
		return last ? debug_shell(2, argv + 1)
			    : debug_shell(argc - 2, argv + 2);
	}
	return argc == 2 && run_command(name) ? 0 : usage(argc, argv);
}

/*
 * How a guest asks Vellum, where that is allowed (vmm/hypercall.c), and what
 * two of the test guests want to know from it.
 */
#include "guest/test/metal/guest.h"

#include "lib/string.h"

#define HYPERCALL_MAGIC 0x6d756c6c
#define LOG_PIECE       32

#define HYPERCALL(name, instruction)                                     \
	static void name(void *arg)                                      \
	{                                                                \
		struct hypercall *h = arg;                               \
		register u64 r8 asm("r8") = 0;                           \
                                                                         \
		asm volatile(instruction                                 \
			     : "+a"(h->rax), "+b"(h->rbx), "+c"(h->rcx), \
			       "=d"(h->rdx), "=S"(h->rsi), "=D"(h->rdi), \
			       "+r"(r8)                                  \
			     :                                           \
			     : "r9", "memory");                          \
		h->r8 = r8;                                              \
	}

HYPERCALL(vmcall, "vmcall")
HYPERCALL(vmmcall, "vmmcall")

bool hypercall(struct hypercall *h, u64 command, u64 argument)
{
	*h = (struct hypercall){HYPERCALL_MAGIC, command, argument, 0, 0, 0, 0};
	return try(below() == BELOW_SVM ? vmmcall : vmcall, h) == NO_FAULT;
}

s64 count_exits(void)
{
	struct hypercall h;
	s64 sum = 0;

	for (u64 i = 0; hypercall(&h, HYPERCALL_STATS, i); i++) {
		if (h.rax)
			return sum;
		if (memcmp(&h.rsi, "HYPERCAL", 8))
			sum += h.rbx;
	}
	return -1;
}

int find_in_log(const char *start, char found[LOG_LINE])
{
	char line[LOG_LINE];
	struct hypercall h;
	uint length = 0;
	int count = 0;

	for (u64 at = 0;; at += h.rdx) {
		u64 text[LOG_PIECE / 8];

		if (!hypercall(&h, HYPERCALL_LOG, at) || h.rax)
			return -1;
		if (!h.rdx)
			return count;
		memcpy(text, (u64[]){h.rbx, h.rsi, h.rdi, h.r8}, LOG_PIECE);
		for (uint i = 0; i < MIN(h.rdx, (u64)LOG_PIECE); i++) {
			char c = ((char *)text)[i];

			if (length < LOG_LINE - 1)
				line[length++] = c;
			if (c != '\n')
				continue;
			line[length] = '\0';
			length = 0;
			if (memcmp(line, start, strlen(start)))
				continue;
			memcpy(found, line, LOG_LINE);
			count++;
		}
	}
}

int count_in_log(const char *start)
{
	char found[LOG_LINE];

	return find_in_log(start, found);
}

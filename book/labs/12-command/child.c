/*
 * The command over memory where Vellum's would be: the words of a line go to
 * the server "command" as the shell sends them, piece by piece.
 */
#include <signal.h>
#include <sys/mman.h>

#include "judge.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "lib/errno.h"
#include "shell/test/host_shell.h"

struct boot_info boot_info;
u32 panic_cpu;

void mm_force_unlock(void)
{
}

void console_force_unlock(void)
{
}

/* What is not mapped on the host is not mapped. (The judge's own guarded() has
 * another meaning, hence the linker's --wrap.) */
static sigjmp_buf *resume;

static void faulted(int number)
{
	if (!resume)
		_exit(1);
	siglongjmp(*resume, 1);
}

int __wrap_guarded(void (*fn)(void *), void *arg, uint *vector);
int __wrap_guarded(void (*fn)(void *), void *arg, uint *vector)
{
	sigjmp_buf here, *outer = resume;
	int raised;

	resume = &here;
	signal(SIGSEGV, faulted);
	raised = sigsetjmp(here, 1);
	if (!raised)
		fn(arg);
	else if (vector)
		*vector = VECTOR_PF;
	resume = outer;
	return raised ? -EFAULT : 0;
}

/* Vellum's range: so many pages of zeros. */
static void memory(void)
{
	u64 size = number(1) * PAGE_SIZE;
	void *p =
		mmap((void *)VMM_VIRT, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	answer("%d", p == (void *)VMM_VIRT);
	boot_info.vmm_size = size;
	thread.rights = RIGHT_INSPECT;
}

static void hole(void)
{
	munmap((void *)(VMM_VIRT + number(1) * PAGE_SIZE), PAGE_SIZE);
}

static void rights(void)
{
	thread.rights = number(1);
}

/* Words of a value, one after the other. */
static void put(void)
{
	for (u64 i = 0; i < number(3); i++)
		*(u64 *)(number(1) + i * 8) = number(2);
}

/* Run the rest of the line to its end: the result, how many pieces it took, the
 * most that one of them said, and all that was said. */
static void run_command(void)
{
	char line[512] = "";
	uint pieces = 1;
	int result;

	for (uint i = 1; *word(i); i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line),
			 i > 1 ? " %s" : "%s", word(i));
	piece_most = 0;
	result = begin(line);
	for (; result == COMMAND_MORE && pieces < 100000; pieces++)
		result = ask(COMMAND_NEXT, NULL);
	answer("%d %u %lu ", result, pieces, piece_most);
	answer_bytes(said, said_length);
}

const struct judge_command judge_commands[] = {
	{"memory", memory}, {"hole", hole},       {"rights", rights},
	{"put", put},       {"run", run_command}, {},
};

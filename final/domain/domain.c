/*
 * A domain comes and goes: a program, its space, its registers.
 */
#include "console/printf.h"
#include "domain/internal.h"
#include "domain/tables.h"
#include "heap/heap.h"
#include "lib/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"

const struct program *program_find(const char *name)
{
	for (const struct program *p = programs_start; p < programs_end; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

void program_symbol(const struct program *p, u64 address, char *text,
		    size_t size)
{
	text[0] = '\0';
	if (address < PROGRAM_BASE || address >= p->text_end)
		return;
	for (u64 i = p->symbol_count; i-- > 0;) {
		const struct program_symbol *s = &p->symbols[i];

		if (s->address > address)
			continue;
		snprintf(text, size, "%s+0x%lx", s->name, address - s->address);
		return;
	}
}

/* Pages that are data and can be executed would be no protection, and a fifth
 * level of page tables is not known to space.c. */
static bool can_protect(void)
{
	return (rdmsr(MSR_EFER) & EFER_NXE) && !(read_cr4() & CR4_LA57);
}

int domain_new(struct domain_thread *t, const char *name, struct domain **d)
{
	const struct program *p = program_find(name);
	struct domain *new;
	int error;

	if (!p)
		return -ENOENT;
	if (!can_protect())
		return -ENODEV;
	new = alloc(sizeof(*new));
	if (!new)
		return -ENOMEM;
	*new = (struct domain){.thread = t, .program = p};
	error = space_create(&new->space, p);
	if (error) {
		free(new);
		return error;
	}
	list_add_tail(&t->domains, &new->link);
	*d = new;
	return 0;
}

void domain_free(struct domain *d)
{
	space_free(&d->space);
	list_del(&d->link);
	free(d);
}

void domain_prepare(struct domain *d, int kind, int value, u64 bufs, uint count)
{
	d->told = false;
	d->regs = (struct trap_frame){
		.rip = PROGRAM_BASE,
		.rsp = ALIGN_DOWN(bufs, 16UL),
		.rdi = kind,
		.rsi = (u32)value,
		.rdx = bufs,
		.rcx = count,
	};
}

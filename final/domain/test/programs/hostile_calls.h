/*
 * A part of hostile.c: system calls with arguments that nobody in his senses
 * would give. Each must be told an error; none may take the domain along.
 */
#ifndef DOMAIN_TEST_PROGRAMS_HOSTILE_CALLS_H
#define DOMAIN_TEST_PROGRAMS_HOSTILE_CALLS_H

#include "domain/user/user.h"

#define VELLUM 0x40000000UL /* where Vellum is, in every address space */
#define UPPER  0xffff800000000000UL

static const u64 bad_addresses[] = {
	0,
	1,
	PROGRAM_BASE - 1,
	PROGRAM_END,
	PROGRAM_STACK_TOP - PROGRAM_STACK - 1,
	PROGRAM_STACK_TOP,
	PROGRAM_WINDOW,
	VELLUM,
	UPPER,
	0x8000000000000000,
	-8UL,
	-1UL,
};
static const u64 bad_numbers[] = {
	7, 8, 0x7fffffff, 0x100000000, 0x100000001, 0x8000000000000000, -1UL,
};
static const u64 lengths[] = {
	1, 4, 31, 32, 1024, 1025, 0x100000001, 0x8000000000000001, -1UL,
};

static const int take_text[] = {SYS_WRITE, SYS_NEWPROCESS, SYS_MSG_REGISTER,
				SYS_MSG_OPEN};

static int try_text_that_is_not_there(void)
{
	int got_away = 0;

	for (uint i = 0; i < ARRAY_SIZE(take_text); i++)
		for (uint k = 0; k < ARRAY_SIZE(bad_addresses); k++)
			for (uint l = 0; l < ARRAY_SIZE(lengths); l++)
				got_away |= system_call(take_text[i],
							bad_addresses[k],
							lengths[l], 0, 0) >= 0;
	return got_away;
}

static int try_names_that_are_none(void)
{
	static const char *const names[] = {"",     " ",       "two words",
					    "\x7f", "\x1b[2J", "a\nb"};
	int got_away = 0;

	for (uint i = 0; i < ARRAY_SIZE(names); i++)
		for (uint k = 1; k < ARRAY_SIZE(take_text); k++)
			got_away |= system_call(take_text[k], (u64)names[i],
						strlen(names[i]), 0, 0) >= 0;
	got_away |= msgregister("free", program) >= 0;
	return got_away;
}

static int try_descriptors_that_are_none(void)
{
	int got_away = 0;

	for (uint i = 0; i < ARRAY_SIZE(bad_numbers); i++) {
		u64 d = bad_numbers[i];

		got_away |= system_call(SYS_MSG_CLOSE, d, 0, 0, 0) >= 0;
		got_away |= system_call(SYS_MSG_SENDINT, d, 0, 0, 0) >= 0;
		got_away |= system_call(SYS_MSG_SENDBUF, d, 0, 0, 0) >= 0;
	}
	return got_away;
}

/* The buffers lie where we can't be, or are longer, or more, than may be. */
static int try_buffers_that_are_not_there(void)
{
	struct msgbuf buf = {.base = (void *)PROGRAM_BASE, .len = 4};
	int d = msgopen("free"), got_away = d < 0;

	for (uint i = 0; i < ARRAY_SIZE(bad_addresses); i++) {
		struct msgbuf bad = {(void *)bad_addresses[i], 4, i & 1};

		got_away |= msgsendbuf(d, 0, &bad, 1) >= 0;
		got_away |= system_call(SYS_MSG_SENDBUF, d, 0, bad_addresses[i],
					1) >= 0;
	}
	for (uint i = 0; i < ARRAY_SIZE(bad_numbers); i++)
		got_away |= system_call(SYS_MSG_SENDBUF, d, 0, (u64)&buf,
					bad_numbers[i]) >= 0;
	buf.rw = 1; /* our own text */
	got_away |= msgsendbuf(d, 0, &buf, 1) >= 0;
	buf = (struct msgbuf){&buf, MSG_BUF_MAX + 1, 0};
	got_away |= msgsendbuf(d, 0, &buf, 1) >= 0;
	buf.len = -1U;
	got_away |= msgsendbuf(d, 0, &buf, 1) >= 0;
	msgclose(d);
	return got_away;
}

static int try_all_descriptors(void)
{
	int count = 0;

	while (msgopen("free") >= 0)
		count++;
	return count == 0 || count > 1000;
}

static int try_all_domains(void)
{
	int count = 0;

	while (newprocess("hostile") >= 0)
		count++;
	return count > 1000;
}

static int try_unknown_calls(void)
{
	int got_away = system_call(SYS_COUNT, 0, 0, 0, 0) >= 0;

	got_away |= system_call(0x100000000 + SYS_YIELD, 0, 0, 0, 0) >= 0;
	got_away |= system_call(-1, 0, 0, 0, 0) >= 0;
	return got_away;
}

#endif

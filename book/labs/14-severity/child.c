/*
 * The log's way out, by commands, over a network that takes what it is given,
 * or does not. The settings are Vellum's own, from a command line.
 */
#include "judge.h"

#include "boot/boot_info.h"
#include "boot/settings.h"
#include "console/log.h"
#include "lib/errno.h"
#include "net/log.h"
#include "net/net.h"
#include "smp/panic.h"

#define PACKET_MOST 2048

struct boot_info boot_info;
u32 panic_cpu;

static struct nic card;
static struct net_state state = {.nic = &card, .self.ip = 0x0a00020f};
static bool is_blocked, is_silent;
static uint room = ~0U;

const struct net_state *net_state(void)
{
	return &state;
}

void net_peer_init(struct net_peer *peer, u32 ip, u16 port)
{
	*peer = (struct net_peer){.end = {.ip = ip, .port = port}, .hop = ip};
}

bool net_wait(struct net_peer *peer)
{
	answer("wait:%u ", peer->end.port);
	return !is_silent;
}

bool net_has_link(void)
{
	return true;
}

bool net_is_lost(void)
{
	return false;
}

void net_poll(void)
{
}

void net_flush(void)
{
}

void net_recover(void)
{
}

int net_send(struct net_peer *peer, const void *payload, size_t length)
{
	if (is_blocked || !room)
		return -EAGAIN;
	room--;
	answer("%u:", peer->end.port);
	answer_bytes(payload, length);
	answer(" ");
	return 0;
}

/* The command line is what follows. */
static void start(void)
{
	size_t length = snprintf(boot_info.cmdline, sizeof(boot_info.cmdline),
				 "vellum.elf");

	for (uint i = 1; *word(i); i++)
		length += snprintf(boot_info.cmdline + length,
				   sizeof(boot_info.cmdline) - length, " %s",
				   word(i));
	settings_check();
	net_log_init();
}

/* A line of the log: the words that follow. */
static void say(void)
{
	for (uint i = 1; *word(i); i++) {
		if (i > 1)
			log_putc(' ');
		for (const char *c = word(i); *c; c++)
			log_putc(*c);
	}
	log_putc('\n');
}

/* @n lines that no network has a chance to send. */
static void flood(void)
{
	void (*end)(void) = log_line_end;

	log_line_end = NULL;
	for (u64 i = 0; i < number(1); i++)
		for (const char *c = "nothing happens here\n"; *c; c++)
			log_putc(*c);
	log_line_end = end;
}

static void block(void)
{
	is_blocked = number(1);
}

static void give_room(void)
{
	room = number(1);
}

static void silent(void)
{
	is_silent = number(1);
}

static void panic_now(void)
{
	panic_cpu = 1;
}

const struct judge_command judge_commands[] = {
	{"start", start},   {"say", say},         {"flood", flood},
	{"block", block},   {"room", give_room},  {"poll", net_log_poll},
	{"silent", silent}, {"panic", panic_now}, {},
};

/*
 * From the log ring to the network, line by line.
 *
 *	     oldest       cursor       written
 *	        v            v            v
 *	--lost--|----sent----|--waiting---|
 *
 * A receiver is a cursor in the ring. So what was logged before there was a
 * card is sent first, nothing is copied to be kept, and a line that can't be
 * sent waits at no cost. Where the ring has overtaken a cursor, lines are lost.
 *
 * The end of a line is seen from within printf, which holds console_lock: that
 * lock protects all of this, and no other CPU can be in here, until one of them
 * panics and opens it. Book: chapter 14.
 */
#include "net/log.h"

#include "boot/settings.h"
#include "console/log.h"
#include "console/printf.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "net/net.h"
#include "settings/types.h"
#include "shell/last_log.h"
#include "smp/panic.h"

#define TEXT_SIZE   1000 /* a longer line becomes more than one message */
#define PACKET_SIZE 1280

/* With what is put in front: a name, a number, and less than 64 others. */
_Static_assert(TEXT_SIZE + 64 + 20 + 64 <= PACKET_SIZE, "a line fits");
_Static_assert(PACKET_SIZE <= UDP_MAX, "a message is one packet");

#define BURST 64 /* messages at the end of a line, while a guest waits */

#define FAULTS_MOST 2

/* Severities and the facility of RFC 5424 (6.2.1). */
#define EMERGENCY 0
#define CRITICAL  2
#define WARNING   4
#define INFO      6
#define KERNEL    (0 << 3)

#define SYSLOG_IDS 0x7fffffff /* then they begin again with 1 (7.3.1) */

struct receiver {
	const struct setting *setting;
	u16 port; /* if that has none */
	/* Make a packet of the line @text, the @number-th message. */
	size_t (*format)(struct receiver *r, char *packet, u64 number,
			 const char *text);
	bool is_on;
	bool saw_panic; /* what comes now belongs to one */
	struct net_peer peer;
	u64 cursor; /* of characters ever logged: the next to be sent */
	u64 sent;   /* messages */
	u64 lost;   /* characters, and of those */
	u64 untold; /* the ones that no message has told of */
};

#if CONFIG_NET_LOG_UDP

SETTING(udp_setting, .name = "log.udp", .type = &ipv4_port_type,
	.help = "who gets each line of the log in a UDP packet");

static size_t format_plain(struct receiver *r, char *packet, u64 number,
			   const char *text)
{
	return snprintf(packet, PACKET_SIZE, "%lu %s\n", number, text);
}

#endif

#if CONFIG_NET_LOG_SYSLOG

SETTING(syslog_setting, .name = "log.syslog", .type = &ipv4_port_type,
	.help = "the syslog server (RFC 5424) that gets the log");
SETTING(host_setting, .name = "net.host", .type = &text_type,
	.help = "the name of this machine in messages to it");

static bool begins_with(const char *text, const char *word)
{
	return !strncmp(text, word, strlen(word));
}

/* Lines carry no severity: these words tell what is bad news. */
static bool is_bad_news(const char *text)
{
	static const char *const words[] = {
		"error", "fail", "FAIL", "refused", "wrong", "lost", "unknown",
	};

	for (; *text; text++)
		for (uint i = 0; i < ARRAY_SIZE(words); i++)
			if (begins_with(text, words[i]))
				return true;
	return false;
}

static uint severity(struct receiver *r, const char *text)
{
	if (begins_with(text, "panic(")) {
		r->saw_panic = true;
		return EMERGENCY;
	}
	return r->saw_panic ? CRITICAL : is_bad_news(text) ? WARNING : INFO;
}

static char host_name[64];

/* A name of RFC 5424 (6.2.4): visible ASCII; for want of one, our address. */
static void choose_host_name(void)
{
	size_t length = 0;
	const char *text = setting_text(&host_setting, &length);

	if (!length)
		snprintf(host_name, sizeof(host_name), IP_FORMAT,
			 IP_ARGS(net_state()->self.ip));
	for (size_t i = 0; i < MIN(length, sizeof(host_name) - 1); i++)
		host_name[i] = text[i] > ' ' && text[i] <= '~' ? text[i] : '?';
}

/* Nobody has told us the time of day: "-" (6.2.3). The one who receives it
 * knows when. */
static size_t format_syslog(struct receiver *r, char *packet, u64 number,
			    const char *text)
{
	if (!*host_name)
		choose_host_name();
	return snprintf(packet, PACKET_SIZE,
			"<%u>1 - %s vellum - - [meta sequenceId=\"%lu\"] %s",
			KERNEL | severity(r, text), host_name,
			(number - 1) % SYSLOG_IDS + 1, text);
}

#endif

/* What was left out leaves an empty place at the end. */
static struct receiver receivers[2] = {
#if CONFIG_NET_LOG_UDP
	{&udp_setting, .port = 6666, .format = format_plain},
#endif
#if CONFIG_NET_LOG_SYSLOG
	{&syslog_setting, .port = 514, .format = format_syslog},
#endif
};

static bool is_running;

static u64 oldest(void)
{
	u64 written = log_written();

	return written - MIN(written, LOG_SIZE);
}

/*
 * Copy the line at @at to @text, without its end: no more than has room, and
 * then the rest of it is a line of its own. Returns how many characters that
 * takes up in the log; 0: nothing there has come to its end.
 */
static size_t read_line(u64 at, char *text)
{
	size_t n = log_read(at - oldest(), text, TEXT_SIZE - 1), i;

	for (i = 0; i < n && text[i] != '\n'; i++)
		if (text[i] < ' ' || text[i] > '~') /* terminals obey these */
			text[i] = text[i] == '\t' ? ' ' : '?';
	text[i] = '\0';
	if (i < n)
		return i + 1;
	return n == TEXT_SIZE - 1 ? n : 0;
}

/* The line that the ring has overwritten in part is lost as a whole. */
static void skip_lost(struct receiver *r)
{
	u64 at = oldest();
	char c = 0;

	if (r->cursor >= at)
		return;
	while (c != '\n' && log_read(at - oldest(), &c, 1))
		at++;
	r->lost += at - r->cursor;
	r->untold += at - r->cursor;
	r->cursor = at;
}

static int send_text(struct receiver *r, const char *text)
{
	static char packet[PACKET_SIZE];
	size_t length = r->format(r, packet, r->sent + 1, text);
	int error = net_send(&r->peer, packet, length);

	if (!error)
		r->sent++;
	return error;
}

/* Send what @r has not been sent, @most messages; the lock is held. */
static void send_lines(struct receiver *r, uint most)
{
	static char text[TEXT_SIZE];
	size_t taken;

	for (uint i = 0; i < most; i++) {
		skip_lost(r);
		if (r->untold) {
			snprintf(text, sizeof(text),
				 "log: %lu characters of it are lost here",
				 r->untold);
			if (send_text(r, text))
				return;
			r->untold = 0;
		}
		taken = read_line(r->cursor, text);
		if (!taken || (*text && send_text(r, text)))
			return;
		r->cursor += taken;
	}
}

static void send_all(uint most)
{
	net_poll();
	for (uint i = 0; i < ARRAY_SIZE(receivers); i++)
		if (receivers[i].is_on)
			send_lines(&receivers[i], most);
}

static bool told_of_loss;

/* For want of a printf, into the log alone. */
static void tell_of_lost_card(void)
{
	if (told_of_loss || !net_is_lost())
		return;
	told_of_loss = true;
	for (const char *c = "net: the card is lost\n"; *c; c++)
		log_putc(*c);
}

/* A card that had to be reset has no link for a while. Who never got anything
 * will hardly get it now, and a person may be reading this on a screen. */
static void wait_for_receivers(void)
{
	for (uint i = 0; i < ARRAY_SIZE(receivers); i++)
		if (receivers[i].sent && !net_wait(&receivers[i].peer))
			return;
}

static struct last_words {
	bool is_sending;
	bool has_recovered;
	uint faults;
} last_words;

/*
 * In a panic, or on the way to a reset. The first time the card may be in any
 * state. Who comes in again while it is sending was stopped by a fault in here:
 * that is tried once more, and no more.
 */
static void send_last_words(void)
{
	struct last_words *w = &last_words;

	if (w->is_sending) {
		w->has_recovered = false;
		if (++w->faults >= FAULTS_MOST) {
			is_running = false;
			return;
		}
	}
	w->is_sending = true;
	if (!w->has_recovered) {
		net_recover();
		wait_for_receivers();
		w->has_recovered = true;
	}
	send_all(~0U);
	net_flush();
	w->is_sending = false;
}

void net_log_poll(void)
{
	if (!is_running || smp_must_stop())
		return;
	tell_of_lost_card();
	if (panic_is_on())
		send_last_words();
	else
		send_all(BURST);
}

static void start_receiver(struct receiver *r)
{
	u16 port = r->port;
	u32 ip;

	if (!r->setting || !setting_ipv4(r->setting, &ip, &port))
		return;
	if (!net_state()->nic) {
		printf("log: %s: there is no network, so nothing is sent\n",
		       r->setting->name);
		return;
	}
	net_peer_init(&r->peer, ip, port);
	r->is_on = true;
	printf("log: %s: " IP_FORMAT ", port %u", r->setting->name, IP_ARGS(ip),
	       port);
	if (net_wait(&r->peer))
		printf(", by " MAC_FORMAT "\n", MAC_ARGS(r->peer.end.mac));
	else if (net_has_link())
		printf(": " IP_FORMAT " does not answer yet\n",
		       IP_ARGS(r->peer.hop));
	else
		printf(": the card has no link yet\n");
}

void net_log_init(void)
{
	for (uint i = 0; i < ARRAY_SIZE(receivers); i++)
		start_receiver(&receivers[i]);
	is_running = net_state()->nic;
	log_line_end = net_log_poll;
	if (is_running)
		send_all(~0U);
}

bool net_log_state(uint i, struct net_log_state *state)
{
	const struct receiver *r = &receivers[i];

	if (i >= ARRAY_SIZE(receivers))
		return false;
	*state = (struct net_log_state){
		.name = r->is_on ? r->setting->name : NULL,
		.peer = &r->peer,
		.sent = r->sent,
		.lost = r->lost,
		.waiting = log_written() - r->cursor,
	};
	return true;
}

/*
 * The command `net': how the network is, and what has come of the log.
 */
#include "lib/errno.h"
#include "net/log.h"
#include "net/net.h"
#include "shell/command.h"

static void say_station(struct command *c, const struct net_state *net)
{
	const struct nic *nic = net->nic;

	say(c, "%s, " MAC_FORMAT ", " IP_FORMAT "/%u: %s\n", nic->name,
	    MAC_ARGS(net->self.mac), IP_ARGS(net->self.ip), net->prefix,
	    net_has_link() ? "link"
	    : nic->lost    ? "lost"
			   : "no link");
	say(c, "frames: %lu sent, %lu refused, %lu received, %lu dropped\n",
	    nic->sent, nic->unsent, nic->received, nic->dropped);
	say(c,
	    "received: %lu questions for us, %lu pings, %lu damaged; "
	    "%lu answers\n",
	    net->kinds[PACKET_ARP_ASK], net->kinds[PACKET_ECHO],
	    net->kinds[PACKET_BAD], net->answered);
	if (net->kinds[PACKET_CONFLICT])
		say(c, "somebody else has our address: %lu times\n",
		    net->kinds[PACKET_CONFLICT]);
}

static void say_receiver(struct command *c, const struct net_log_state *log)
{
	const struct net_peer *peer = log->peer;

	say(c, "%s: " IP_FORMAT ":%u ", log->name, IP_ARGS(peer->end.ip),
	    peer->end.port);
	if (peer->known)
		say(c, "by " MAC_FORMAT "\n", MAC_ARGS(peer->end.mac));
	else
		say(c, "is not reached\n");
	say(c, "  %lu messages sent; characters: %lu waiting, %lu lost\n",
	    log->sent, log->waiting, log->lost);
}

/* c->at[0]: the next receiver, + 1. */
static int run_net(struct command *c)
{
	const struct net_state *net = net_state();
	struct net_log_state log;

	if (!net->nic) {
		say(c, "net: there is no network\n");
		return -ENODEV;
	}
	if (!c->at[0])
		say_station(c, net);
	else if (!net_log_state(c->at[0] - 1, &log))
		return 0;
	else if (log.name)
		say_receiver(c, &log);
	c->at[0]++;
	return 1;
}

SHELL_COMMAND(net_command, .name = "net", .run = run_net,
	      .help = "the network, and the log that goes over it",
	      .rights = RIGHT_INSPECT);

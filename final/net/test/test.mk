HOST_TESTS += net-packet
net-packet.sources := net/test/packet_test.c net/packet.c

# card.c plays the machine with the card.
HOST_TESTS += net-nic
net-nic.sources := net/test/nic_test.c net/test/card.c net/nic.c net/cards.c \
	pci/pci.c net/e1000.c

# They include what they test, and play what that calls.
HOST_TESTS += net-log
net-log.sources := net/test/log_test.c
HOST_TESTS += net-net
net-net.sources := net/test/net_test.c net/packet.c net/cards.c

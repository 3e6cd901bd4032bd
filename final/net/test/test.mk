HOST_TESTS += net-packet
net-packet.sources := net/test/packet_test.c net/packet.c

FUZZ_TARGETS += packet-fuzz
packet-fuzz.sources := net/test/packet_fuzz.c net/packet.c

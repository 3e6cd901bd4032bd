# vellum.efi, the loader for UEFI: a PE file, made with the same compiler and
# linker as the rest. It is a small program of its own (efi/loader/, and a few
# files of other folders compiled once more), with the hypervisor's image in it.

LOADER_BUILD := $(BUILD)/loader
LOADER := $(BUILD)/vellum.efi
LOADER_SOURCES := $(filter-out $(if $(CONFIG_NET),,efi/loader/network.c),\
	$(wildcard efi/loader/*.c efi/loader/*.S)) \
	lib/string.c lib/words.c console/printf.c settings/conf.c \
	settings/defconfig.S $(if $(CONFIG_NET),net/cards.c)
LOADER_OBJECTS := $(addprefix $(LOADER_BUILD)/,$(addsuffix .o,$(basename \
	$(LOADER_SOURCES))))
LOADER_CFLAGS := $(filter-out -fno-pic -fno-pie -mindirect-branch%,$(CFLAGS)) \
	-fpie -fvisibility=hidden

ifneq ($(and $(CONFIG_UEFI),$(wildcard efi/loader)),)

$(LOADER_BUILD)/%.o: %.c $(BUILD)/flags mk/efi.mk
	@mkdir -p $(@D)
	@$(CC) $(LOADER_CFLAGS) -MMD -MP -c -o $@ $(HERE)/$<

$(LOADER_BUILD)/%.o: %.S $(BUILD)/flags mk/efi.mk
	@mkdir -p $(@D)
	@$(CC) $(LOADER_CFLAGS) -I$(LOADER_BUILD) -D__ASSEMBLER__ -MMD -MP \
		-c -o $@ $(HERE)/$<

# The hypervisor as the loader wants it: its bytes, their CRC-32 (which is in
# the last eight bytes of a gzip file), and what to know about it.
$(LOADER_BUILD)/image.bin: $(IMAGE)
	@mkdir -p $(@D)
	@objcopy -O binary $< $@
	@gzip -1 -c $@ | tail -c 8 | head -c 4 > $(LOADER_BUILD)/image.crc

$(LOADER_BUILD)/image.h: $(IMAGE)
	@mkdir -p $(@D)
	@nm $< | awk '$$3 == "image_start" { start = $$1 } \
		$$3 == "image_end" { end = $$1 } \
		$$3 == "efi_entry" { entry = $$1 } \
		$$3 == "efi_cpu_entry" { cpu = $$1 } \
		END { print "#define IMAGE_SIZE 0x" end " - 0x" start; \
		      print "#define IMAGE_ENTRY 0x" entry; \
		      print "#define IMAGE_CPU_ENTRY 0x" cpu }' > $@
	@echo '#define IMAGE_VERSION "$(VERSION)"' >> $@
	@echo '#define IMAGE_FILE "$(LOADER_BUILD)/image.bin"' >> $@
	@echo '#define IMAGE_CRC_FILE "$(LOADER_BUILD)/image.crc"' >> $@

$(LOADER_BUILD)/efi/loader/image.o: $(LOADER_BUILD)/image.h \
	$(LOADER_BUILD)/image.bin

# The firmware puts the loader where it likes, and nobody relocates it: so no
# absolute address may be in it, but for the offsets in its header.
$(LOADER): $(LOADER_OBJECTS) efi/loader/loader.ld
	@echo "  EFI     $(SHOWN)"
	@readelf -rW $(LOADER_OBJECTS) | awk ' \
		/^File:/ { file = $$2 } \
		/^Relocation section/ { section = $$3 } \
		section !~ /debug|header|reloc/ && \
		$$3 ~ /^R_X86_64_(64|32|32S)$$/ { bad = 1; print "error: " \
			file ": an absolute address of " $$5 } \
		END { exit bad }' >&2
	@ld $(LDFLAGS) -T efi/loader/loader.ld -o $(LOADER_BUILD)/vellum.elf \
		$(LOADER_OBJECTS)
	@objcopy -O binary $(LOADER_BUILD)/vellum.elf $@.new
	@mv $@.new $@

all: $(LOADER)

-include $(LOADER_OBJECTS:.o=.d)

endif

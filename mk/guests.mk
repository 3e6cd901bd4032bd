# The bare-metal test guests: small boot disks, written for the tests of stage
# 05 and of all stages that inherit it. Sources are in guest/test/metal/; each
# image is the common part and the tests that are named here, in their order.
# demo.img is what `make run STAGE=05-vmx-ept` boots (final/ boots Linux).

GUEST_DIR := guest/test/metal

ifneq ($(and $(wildcard $(GUEST_DIR)),$(if $(TEST)$(DEBUG),,build)),)

guest-memory := memory
guest-hidden := hidden
guest-instructions := instructions
guest-nmi := nmi
guest-mtrr := mtrr
guest-modes := modes modes_tour
guest-triple := triple
guest-vmx := debug delivery
guest-breakpoints := breakpoints
# One boot for all that ends: an emulated BIOS takes its time.
guest-all := modes modes_tour memory hidden instructions nmi mtrr \
	breakpoints debug delivery triple
guest-demo := demo
# Waits for NMIs that the harness sends.
guest-wait := wait

GUEST_NAMES := memory hidden instructions nmi mtrr modes triple vmx \
	breakpoints all wait demo
# Those of a later stage, for more than one CPU.
GUEST_SMP_DIR := smp/test/metal
guest-signals := ap_code signals
guest-refused := ap_code refused
ifneq ($(wildcard $(GUEST_SMP_DIR)),)
GUEST_NAMES += signals refused
endif

GUEST_BUILD := $(BUILD)/guest
GUEST_IMAGES := $(GUEST_NAMES:%=$(GUEST_BUILD)/%.img)

# Smaller code loads faster; nothing else differs from the program's own.
GUEST_CFLAGS := $(CFLAGS) -Os

GUEST_COMMON := $(addprefix $(GUEST_BUILD)/,boot.o runtime.o main.o machine.o \
	hypercall.o printf.o string.o)

$(GUEST_BUILD)/%.o: $(GUEST_DIR)/%.c $(BUILD)/flags mk/guests.mk
	@mkdir -p $(@D)
	@$(CC) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $(HERE)/$<

$(GUEST_BUILD)/%.o: $(GUEST_DIR)/%.S $(BUILD)/flags mk/guests.mk
	@mkdir -p $(@D)
	@$(CC) $(GUEST_CFLAGS) -D__ASSEMBLER__ -MMD -MP -c -o $@ $(HERE)/$<

$(GUEST_BUILD)/%.o: $(GUEST_SMP_DIR)/%.c $(BUILD)/flags mk/guests.mk
	@mkdir -p $(@D)
	@$(CC) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $(HERE)/$<

$(GUEST_BUILD)/%.o: $(GUEST_SMP_DIR)/%.S $(BUILD)/flags mk/guests.mk
	@mkdir -p $(@D)
	@$(CC) $(GUEST_CFLAGS) -D__ASSEMBLER__ -MMD -MP -c -o $@ $(HERE)/$<

$(GUEST_BUILD)/printf.o: console/printf.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(CC) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $(HERE)/$<

$(GUEST_BUILD)/string.o: lib/string.c $(BUILD)/flags
	@mkdir -p $(@D)
	@$(CC) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $(HERE)/$<

# A disk of one cylinder, as Bochs wants whole ones.
GUEST_DISK_SIZE := 516096

define GUEST_RULES
$(GUEST_BUILD)/$(1).elf: $(GUEST_COMMON) $(guest-$(1):%=$(GUEST_BUILD)/%.o) \
		$(GUEST_DIR)/guest.ld
	@ld $(LDFLAGS) -T $(GUEST_DIR)/guest.ld -o $$@ $$(filter %.o,$$^)
endef
$(foreach name,$(GUEST_NAMES),$(eval $(call GUEST_RULES,$(name))))

$(GUEST_BUILD)/%.img: $(GUEST_BUILD)/%.elf
	@echo "  GUEST   $(SHOWN)"
	@objcopy -O binary $< $@.new
	@truncate -s $(GUEST_DISK_SIZE) $@.new
	@mv $@.new $@

.PHONY: guests
guests: $(GUEST_IMAGES)
all: guests
.SECONDARY: $(GUEST_NAMES:%=$(GUEST_BUILD)/%.elf)

-include $(wildcard $(GUEST_BUILD)/*.d)

endif

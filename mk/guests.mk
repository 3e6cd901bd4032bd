# The bare-metal guests: small boot disks, written for stage 05 and for all
# stages that inherit it. Those of guest/test/demo/ are for people, who name one
# by GUEST= (`make run STAGE=05-vmx-ept` boots "demo"; final/ boots Linux). Of
# the others, for tests, each image is what is named here, in that order. All
# have a common part, in guest/test/metal/.

GUEST_DIR := guest/test/metal
GUEST_DIRS := $(GUEST_DIR) guest/test/demo \
	$(addsuffix /test/metal,smp net iommu unload)
GUEST_DEMOS := $(basename $(notdir $(wildcard guest/test/demo/*.c)))

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
guest-all := modes modes_tour task task_tour memory hidden instructions nmi \
	mtrr breakpoints debug delivery triple
# Waits for NMIs that the harness sends.
guest-wait := wait
guest-stuck := stuck
guest-high := high

GUEST_NAMES := memory hidden instructions nmi mtrr modes triple vmx \
	breakpoints all wait stuck high $(GUEST_DEMOS)
$(foreach name,$(GUEST_DEMOS),$(eval guest-$(name) := $(name)))
# Its parts, in the order in which they try; the last are later stages'.
guest-attack := attack attack_memory attack_instructions attack_msrs \
	attack_machine attack_wake ap_code attack_cpus attack_card attack_dma
# Those of a later stage, for more than one CPU.
guest-signals := ap_code signals
guest-panic := ap_code panic
guest-stores := ap_code stores
guest-late := ap_code late
ifneq ($(wildcard smp/test/metal),)
GUEST_NAMES += signals panic stores late
endif

guest-unload := ap_code unload
ifneq ($(wildcard unload/test/metal),)
GUEST_NAMES += unload
endif

GUEST_BUILD := $(BUILD)/guest
GUEST_IMAGES := $(GUEST_NAMES:%=$(GUEST_BUILD)/%.img)

# Smaller code loads faster; nothing else differs from the program's own.
GUEST_CFLAGS := $(filter-out -DVELLUM_TEST,$(CFLAGS)) -Os

GUEST_COMMON := $(addprefix $(GUEST_BUILD)/,console/printf.o lib/string.o \
	$(addprefix $(GUEST_DIR)/,boot.o runtime.o main.o machine.o \
	hypercall.o))
# The objects of an image, whichever folder their sources are in.
GUEST_SOURCES = $(wildcard $(foreach name,$(guest-$(1)),\
	$(GUEST_DIRS:%=%/$(name).[cS])))
GUEST_OBJECTS = $(patsubst %,$(GUEST_BUILD)/%.o,$(basename $(GUEST_SOURCES)))

$(GUEST_BUILD)/%.o: %.c $(BUILD)/flags mk/guests.mk
	@mkdir -p $(@D)
	@$(CC) $(GUEST_CFLAGS) -MMD -MP -c -o $@ $(HERE)/$<

$(GUEST_BUILD)/%.o: %.S $(BUILD)/flags mk/guests.mk
	@mkdir -p $(@D)
	@$(CC) $(GUEST_CFLAGS) -D__ASSEMBLER__ -MMD -MP -c -o $@ $(HERE)/$<

# A disk of one cylinder, as Bochs wants whole ones.
GUEST_DISK_SIZE := 516096

define GUEST_RULES
$(GUEST_BUILD)/$(1).elf: $(GUEST_COMMON) $(GUEST_OBJECTS) \
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

-include $(wildcard $(addprefix $(GUEST_BUILD)/,*/*.d */*/*/*.d))

endif

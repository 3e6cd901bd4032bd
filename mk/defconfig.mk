# The settings that are built in (settings/defconfig.S): those of the file
# defconfig at the top, which is made from a template when there is none, and is
# the user's from then on. What has the defaults of all options has the
# template's, and so has a tree that can't be written to.
ifneq ($(wildcard settings/defconfig.S),)

DEFCONFIG := settings/defconfig.template
ifneq ($(KCONFIG_CONFIG),/dev/null)
$(if $(wildcard $(UP)defconfig),,$(shell cp $(DEFCONFIG) $(UP)defconfig \
	2>/dev/null))
DEFCONFIG := $(or $(wildcard $(UP)defconfig),$(DEFCONFIG))
endif

$(call STAMP,$(BUILD)/defconfig,$(file <$(DEFCONFIG)))
$(BUILD)/settings/defconfig.o: CFLAGS += -DDEFCONFIG='"$(BUILD)/defconfig"'
$(BUILD)/loader/settings/defconfig.o: \
	LOADER_CFLAGS += -DDEFCONFIG='"$(BUILD)/defconfig"'
$(addsuffix settings/defconfig.o,$(BUILD)/ $(BUILD)/loader/): $(BUILD)/defconfig

endif

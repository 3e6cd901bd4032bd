# What of the program is built. The options are in the Kconfig files beside the
# code; .config at the top says what they are, where it is there, and config.h
# is before each file that is compiled: CONFIG_X is 1 or 0, or a number.
#
# KCONFIG_CONFIG= names another file; /dev/null is the defaults.

CONFIG_FILE := $(or $(value KCONFIG_CONFIG),.config)
CONFIG_FILE := $(if $(filter /%,$(CONFIG_FILE)),,$(UP))$(CONFIG_FILE)
# Switches that are options, too; on the command line they win.
SWITCHES := $(foreach v,TEST DEBUG VMMSIZE_ALL,$(if $($v),$v=$($v)))
KCONFIG := $(PYTHON) -B tools/kconfig.py

# A configuration that is another one makes config.h anew; and one that says
# something else compiles all that it is before.
$(call STAMP,$(BUILD)/config,$(CONFIG_FILE) $(SWITCHES) $(file <$(CONFIG_FILE)))
KCONFIG_SOURCES := $(wildcard */Kconfig) mk/Kconfig.all tools/kconfig.py

$(BUILD)/config.mk: $(BUILD)/config $(KCONFIG_SOURCES)
	@$(KCONFIG) generate $(BUILD) $(call QUOTED,$(CONFIG_FILE)) $(SWITCHES)
include $(BUILD)/config.mk

# What is left out with an option. Where it is on, what is beside it is a list
# that nobody reads; where it is off, it is one more of left-out-.
left-out-$(CONFIG_SERIAL) := console/serial.c
left-out-$(CONFIG_VGA) += console/vga.c
left-out-$(CONFIG_VMX) += vmx/% vmentry/% efi/resume_vmx.c sleep/cpu_vmx.c \
	unload/leave_vmx.c
left-out-$(CONFIG_SVM) += svm/% efi/resume_svm.c sleep/cpu_svm.c \
	unload/leave_svm.c
left-out-$(CONFIG_UEFI) += efi/%
left-out-$(CONFIG_FRAMEBUFFER) += efi/framebuffer.c efi/font.c efi/display.c \
	efi/write_combining.c
left-out-$(CONFIG_DOMAIN) += domain/% pool/%
left-out-$(CONFIG_SHELL) += $(addprefix shell/,command.c cpu_commands.c dump.c \
	fault.c memory_commands.c vellum_commands.c) net/command.c
left-out-$(CONFIG_DEBUG_SHELL) += shell/door.c shell/session.c
left-out-$(CONFIG_LAST_LOG) += shell/last_log.c
left-out-$(CONFIG_ACPI_SLEEP) += sleep/%
left-out-$(CONFIG_S3) += $(addprefix sleep/,s3.c wake.c facs.c cpu_vmx.c \
	cpu_svm.c)
left-out-$(CONFIG_NET) += net/% settings/types.c
left-out-$(CONFIG_IOMMU) += iommu/%
left-out-$(or $(CONFIG_NET),$(CONFIG_IOMMU)) += pci/%
left-out-$(CONFIG_UNLOAD) += unload/%
left-out-$(CONFIG_NET_E1000) += net/e1000.c

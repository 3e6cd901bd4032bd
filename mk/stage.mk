# How every stage is built. The Makefile of each includes this, and has only
# the stage's name and its OVERRIDES, so that `diff` between two stages shows
# nothing but what a chapter is about.
#
# A stage is main.c and the folders in its directory: those that it adds, links
# to those that it inherits, and, for a folder of which it overrides a file,
# links to all the others. All C and assembly files in them make one image,
# build/<stage>/vellum.elf. `make`, `make run`, `make test`, `make host-test`
# work in a stage's directory; the top-level Makefile calls them with STAGE=.
#
# What of it is built, the options say (mk/config.mk). Switches: TEST=1 builds
# the boot-time self-tests in (a build of its own), DEBUG=1 lets a debugger see
# every variable (-Og, a build of its own, too), VMMSIZE_ALL=bytes sets our
# range's size; these are options, too. WERROR=1 turns warnings into errors,
# MM_FAIL_AT=n makes the n-th memory allocation fail, BUILD_ROOT=DIR builds
# there instead of in build/.

.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules

STAGE := $(OWN_STAGE)
include mk/place.mk
$(call NEED_LINKS,.)
include mk/values.mk

# What makes .config is done before, and without, all that depends on it.
CONFIG_GOALS := $(filter menuconfig config olddefconfig savedefconfig \
	%_defconfig,$(MAKECMDGOALS))
ifneq ($(CONFIG_GOALS),)
OTHER_GOALS := $(filter-out $(CONFIG_GOALS),$(MAKECMDGOALS))
.PHONY: $(MAKECMDGOALS)
$(CONFIG_GOALS):
	@$(PYTHON) tools/kconfig.py $@ $(if $(filter command,\
		$(origin NAME)),$(NAME))
$(OTHER_GOALS): | $(CONFIG_GOALS)
	+@$(SUBMAKE) $@
else

# mk is a link in the repository and a folder in a lab copy; either way what
# is built goes beside the real one, unless BUILD_ROOT= names another place.
UP := $(patsubst %mk,%,$(shell readlink mk))
OUT := $(or $(ELSEWHERE),$(UP)build)
BUILD := $(OUT)/$(STAGE)$(if $(TEST),-test)$(if $(DEBUG),-debug)
# A target's name from the top on, for messages.
SHOWN = $(patsubst $(UP)%,%,$@)

ifeq ($(shell mkdir -p $(OUT) 2>/dev/null && test -w $(OUT) && echo yes),)
$(error cannot write to $(patsubst $(UP)%,%,$(OUT)): BUILD_ROOT=DIR builds in \
	another place)
endif

FOLDERS := $(patsubst %/,%,$(wildcard */))
FOLDERS := $(filter-out mk tools tests build demo install configs,$(FOLDERS))
TEST_FOLDERS ?= $(FOLDERS)

CC := gcc

# $(call STAMP,file,text): a file that is new when the text has changed. A
# changed switch recompiles, a file that came or went links again. (Make leaves
# the newline at the end of what it reads, or takes it off: hence strip.)
STAMP = $(if $(call DIFFER,$(strip $(file <$1)),$(strip $2)),$(shell \
	mkdir -p $(dir $1))$(file >$1,$2))
DIFFER = $(subst $1,,$2)$(subst $2,,$1)

# What is held against what is on record has its defaults.
ifneq ($(filter test grade,$(MAKECMDGOALS)),)
export KCONFIG_CONFIG := /dev/null
endif
include mk/config.mk

# In a lab with an exercise (make lab): what the missing part is to use is not
# used yet, and a first build that warns of it says nothing to the student.
LAB_CFLAGS := $(if $(wildcard .lab),-Wno-unused-function \
	-Wno-unused-variable -Wno-unused-const-variable)

# Paths are absolute, so that messages lead to the file wherever make was called
# from, unless make could not read them again in its lists of dependencies; but
# the image is the same wherever the repository is.
HERE := $(if $(call IS_ODD,$(CURDIR)),.,$(CURDIR))
DEBUG_PATHS := $(if $(UP),-fdebug-prefix-map=$(HERE)/= \
	-fdebug-prefix-map=$(call QUOTED,$(shell cd ./$(UP). && pwd -P))=.)

# -mcmodel=small: we are linked at 1 GiB, so every address fits 31 bits.
# -mno-red-zone: an exception would overwrite it. -mgeneral-regs-only: the FPU
# belongs to the guest. -fno-omit-frame-pointer: backtraces follow RBP.
# -mindirect-branch: where an indirect branch goes is predicted from what the
# guest may have run; a retpoline's is not (book, chapter 5.3). Hence no jump
# tables. -mharden-sls: nothing is run ahead behind a RET.
CFLAGS := -std=gnu11 $(if $(CONFIG_DEBUG),-Og,$(if \
	$(CONFIG_OPTIMIZE_SIZE),-Os,-O2)) -g -ffreestanding \
	-fno-builtin-printf \
	-fno-pic -fno-pie -mcmodel=small -mno-red-zone -mgeneral-regs-only \
	-fno-stack-protector -fcf-protection=none \
	-mindirect-branch=thunk -mindirect-branch-register -fno-jump-tables \
	-mharden-sls=all \
	-fno-asynchronous-unwind-tables $(if $(CONFIG_BACKTRACE),\
	-fno-omit-frame-pointer -fno-optimize-sibling-calls,\
	-fomit-frame-pointer) -fno-strict-aliasing -fno-common \
	-ffunction-sections -fdata-sections \
	-fmacro-prefix-map=$(HERE)/= $(DEBUG_PATHS) \
	-Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Werror=incompatible-pointer-types \
	-Wno-unused-parameter $(LAB_CFLAGS) $(if $(WERROR),-Werror) \
	-D__VELLUM__ -DVMMSIZE_ALL='(CONFIG_VMMSIZE_ALL * 0x100000UL)' \
	-DVELLUM_STAGE='"$(STAGE)"' $(if $(CONFIG_TEST),-DVELLUM_TEST) \
	$(if $(filter-out 0,$(MM_FAIL_AT)),-DMM_FAIL_AT=$(MM_FAIL_AT)UL) \
	-include $(BUILD)/config.h -I$(HERE)
LDFLAGS := -nostdlib -static -no-pie -z max-page-size=4096 -z noexecstack \
	--no-warn-rwx-segments --build-id=none
# What nobody calls, since an option has left its caller out, is left out, too.
IMAGE_LDFLAGS := $(LDFLAGS) --gc-sections -u efi_entry -u efi_cpu_entry

SOURCES := $(filter-out $(left-out-),$(wildcard main.c \
	$(foreach d,$(FOLDERS),$(d)/*.c $(d)/*.S)))
OBJECTS := $(patsubst %,$(BUILD)/%.o,$(basename $(SOURCES)))
IMAGE := $(BUILD)/vellum.elf

# The recipe that does nothing keeps make from saying that it did nothing.
.PHONY: all run test host-test grade hint help
all: $(IMAGE)
	@:

$(call STAMP,$(BUILD)/flags,$(CC) $(CFLAGS))
-include mk/domain.mk
$(call STAMP,$(BUILD)/objects,$(OBJECTS))

# The version goes into one object. In an archive made by `git archive` there is
# no .git, but git has filled in mk/version; in a lab there is neither.
VERSION := $(or $(shell GIT_OPTIONAL_LOCKS=0 git --git-dir=./$(UP).git \
	--work-tree=./$(UP) describe --always --dirty --tags 2>/dev/null),\
	$(firstword $(filter-out $$Format% %$$,$(file <mk/version))),unknown)
$(call STAMP,$(BUILD)/version,$(VERSION))
$(BUILD)/lib/version.o: CFLAGS += -DVELLUM_VERSION='"$(VERSION)"'
$(BUILD)/lib/version.o: $(BUILD)/version

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CC      $(STAGE)/$<"
	@$(CC) $(CFLAGS) -MMD -MP -c -o $@ $(HERE)/$<

$(BUILD)/%.o: %.S $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  AS      $(STAGE)/$<"
	@$(CC) $(CFLAGS) -D__ASSEMBLER__ -MMD -MP -c -o $@ $(HERE)/$<

# Linked twice: the symbol table of the first image goes into the second. It
# lies behind all code that it names, so nothing moves (mk/symbols.awk).
LD_SCRIPT := boot/vellum.ld
$(BUILD)/pass1.elf: $(OBJECTS) $(LD_SCRIPT) $(BUILD)/objects
	@ld $(IMAGE_LDFLAGS) -T $(LD_SCRIPT) -o $@ $(OBJECTS)

# Without CONFIG_SYMBOLS it is empty.
$(BUILD)/symbols.S: $(BUILD)/pass1.elf mk/symbols.awk
	@$(if $(CONFIG_SYMBOLS),nm -n $<,:) | awk -f mk/symbols.awk > $@

$(BUILD)/symbols.o: $(BUILD)/symbols.S
	@$(CC) -c -o $@ $<

$(IMAGE): $(OBJECTS) $(BUILD)/symbols.o
	@echo "  LD      $(SHOWN)"
	@ld $(IMAGE_LDFLAGS) -T $(LD_SCRIPT) -Map=$(@:.elf=.map) -o $@ \
		$(OBJECTS) $(BUILD)/symbols.o

-include $(OBJECTS:.o=.d)
-include mk/defconfig.mk
-include mk/efi.mk
-include mk/guests.mk
-include mk/host-test.mk
-include mk/fuzz.mk
-include mk/bench.mk

# What `make run` boots. Its settings come through the environment. The guests
# are no part of a build with self-tests, nor does NATIVE=1 want any build.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
.PHONY: to-run
to-run: $(if $(NATIVE),,all)
	+@$(if $(and $(TEST)$(DEBUG)$(NATIVE),$(wildcard $(GUEST_DIR))),\
		$(SUBMAKE) guests TEST= DEBUG=,:)

run:
	@$(PYTHON) tools/run.py --fetch STAGE=$(STAGE)
	+@$(SUBMAKE) $(JOBS) to-run
	@$(PYTHON) tools/run.py STAGE=$(STAGE)

test:
	+@$(SUBMAKE) $(JOBS) all TEST=
	+@$(SUBMAKE) $(JOBS) all TEST=1
	@$(PYTHON) tools/test.py --stage $(STAGE)

# In a lab with an exercise (make lab): is it done?
grade:
	@$(PYTHON) tools/grade.py

# And what could one think of next?
hint:
	@$(PYTHON) tools/lab.py --hint

help:
	@sed -n 's/^#: \{0,1\}//p' mk/stage.mk
	@[ ! -f EXERCISE ] || sed 's/^/  /' EXERCISE

endif

#: make                 build this stage
#: make run             boot it in QEMU; Ctrl-A x leaves. EMU=bochs
#:                      CPUS=2 MEM=1G GUEST= OPTIONS= EMU_ARGS=;
#:                      FIRMWARE=uefi (of final);
#:                      BATCH=1 takes no input, TIMEOUT=30 ends it;
#:                      TEST=1 with the self-tests that run at boot
#: make host-test       the tests of its folders on this computer;
#:                      TEST_FOLDERS=page only those of a folder
#: make test            these, and all that boot it
#: make grade           in a lab with an exercise: what is right already
#: make hint            there: a hint; again: another, up to three
#: make menuconfig      choose what is built
#: make help            this, and what the exercise is
#:

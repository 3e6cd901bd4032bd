# The commands of the whole project; `make help` lists them. A stage's own
# build is in mk/stage.mk, everything that talks to emulators in tools/.

export PYTHONDONTWRITEBYTECODE := 1

STAGES := $(sort $(notdir $(patsubst %/,%,$(wildcard stages/[0-9][0-9]-*/))))
ALL_STAGES := $(STAGES) $(if $(wildcard final/Makefile),final)
# STAGE= chooses one; run boots final by default, test and others take all.
CHOSEN := $(or $(STAGE),$(ALL_STAGES))
ONE := $(or $(STAGE),final)
stage_dir = $(if $(filter final,$1),final,stages/$1)

include mk/place.mk
$(call NEED_LINKS,$(foreach s,$(ALL_STAGES),$(call stage_dir,$s)))

# What is built: .config (tools/kconfig.py).
CONFIG_GOALS := menuconfig config olddefconfig savedefconfig $(patsubst \
	final/configs/%,%_defconfig,$(wildcard final/configs/*))
# These hold what is built against what is on record: it has its defaults.
OF_DEFAULTS := test test-images check figures transcripts test-breakit book \
	book-check grade bench-memory fuzz fuzz-memory
OF_DEFAULTS := $(filter $(OF_DEFAULTS),$(MAKECMDGOALS))
ifneq ($(and $(OF_DEFAULTS),$(filter-out command,$(origin KCONFIG_CONFIG))),)
OWN_CONFIG := $(wildcard .config)$(value KCONFIG_CONFIG) $(shell \
	[ ! -e defconfig ] || cmp -s defconfig \
	final/settings/defconfig.template || echo defconfig)
ifneq ($(strip $(OWN_CONFIG)),)
$(info make $(OF_DEFAULTS): builds the defaults, whatever \
	$(strip $(OWN_CONFIG)) says)
endif
export KCONFIG_CONFIG := /dev/null
endif

# A misspelt goal must not be taken for none.
GOALS := all $(ALL_STAGES) setup run test check bench bench-memory doctor \
	diff lab gdb replay console compile_commands.json clean \
	distclean help book book-check iso soak fuzz fuzz-memory test-images \
	test-breakit grade transcripts figures report size test-configs \
	$(CONFIG_GOALS)
# Other programs use such names in the environment for things of their own.
$(foreach v,NAME DIR FROM TO N TIME TARGET CHECK,$(if $(filter environment,\
	$(origin $v)),$(eval undefine $v)))
include mk/values.mk
UNKNOWN := $(firstword $(filter-out $(GOALS),$(MAKECMDGOALS)))
ifneq ($(UNKNOWN),)
$(error $(strip $(UNKNOWN): no such goal; $(shell $(ASK) --nearest $(UNKNOWN) \
	$(GOALS) 2>/dev/null) see `make help`))
endif

# `make setup run`: whatever is named with setup waits for it, with -j as well;
# `make tiny_defconfig run` likewise.
AFTER_SETUP := $(filter setup $(CONFIG_GOALS),$(MAKECMDGOALS))
OTHER_GOALS := $(filter-out setup,$(MAKECMDGOALS))

.PHONY: $(GOALS)

all: $(CHOSEN)

# These boot Linux. What it is made of is fetched first: whoever has no network
# need not wait for a build to learn it.
BOOT_LINUX := test iso bench soak transcripts test-breakit test-configs
WITH_LINUX := $(foreach s,$(CHOSEN),$(wildcard $(call stage_dir,$s)/smp))
FETCH := $(and $(filter $(BOOT_LINUX),$(MAKECMDGOALS)),$(WITH_LINUX),fetch)
.PHONY: fetch
fetch: | $(AFTER_SETUP)
	@$(PYTHON) tools/linux_guest.py

# All CPUs build, unless the user gave a number: that is the sub-make's as well.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
$(ALL_STAGES): | $(AFTER_SETUP) $(FETCH)
	+@$(SUBMAKE) $(JOBS) -C $(call stage_dir,$@) all TEST= DEBUG= STAGE=$@

# Our tools are Python programs; a minimal Debian has no Python yet.
setup:
	@test -x $(PYTHON) || sh tools/python.sh
	@$(PYTHON) tools/setup.py $(OTHER_GOALS)

$(CONFIG_GOALS): | $(filter setup,$(MAKECMDGOALS))
	@$(PYTHON) tools/kconfig.py $@ $(NAME)

run: | $(AFTER_SETUP)
	@$(PYTHON) tools/run.py --fetch STAGE=$(ONE)
	+@$(SUBMAKE) $(JOBS) -C $(call stage_dir,$(ONE)) to-run
	@$(PYTHON) tools/run.py STAGE=$(ONE)

# The image with and without the self-tests, for each chosen stage.
test-images: | $(AFTER_SETUP) $(FETCH)
	+@for s in $(CHOSEN); do \
		d=stages/$$s; [ $$s = final ] && d=final; \
		$(SUBMAKE) $(JOBS) -C $$d all TEST= DEBUG= && \
		$(SUBMAKE) $(JOBS) -C $$d all TEST=1 DEBUG= || exit 1; \
	done

test: test-images | $(AFTER_SETUP)
	@$(PYTHON) tools/test.py $(if $(STAGE),--stage $(STAGE)) \
		$(PYTEST)

check: | $(AFTER_SETUP)
	@$(PYTHON) tools/check.py $(CHECK)

iso: final | $(AFTER_SETUP)
	@$(PYTHON) tools/iso.py

bench: final | $(AFTER_SETUP)
	@$(PYTHON) tools/bench.py

bench-memory: | $(AFTER_SETUP)
	@$(PYTHON) tools/bench_memory.py

fuzz: | $(AFTER_SETUP)
	@$(PYTHON) tools/fuzz.py

fuzz-memory: | $(AFTER_SETUP)
	@$(PYTHON) tools/fuzz.py OPS=$(or $(OPS),100000000) \
		TARGET='page-fuzz heap-fuzz heap-debug-fuzz mempool-fuzz'

report: final | $(AFTER_SETUP)
	@$(PYTHON) tools/report.py

doctor: | $(AFTER_SETUP)
	@$(PYTHON) tools/doctor.py

transcripts: test-images | $(AFTER_SETUP)
	@$(PYTHON) tools/transcripts.py $(NAME)

# From the transcripts and the ELF files.
figures: all
	@$(PYTHON) tools/figures.py $(NAME)

size test-configs: | $(AFTER_SETUP) $(FETCH)
	@$(PYTHON) tools/configs.py $@

test-breakit: | $(AFTER_SETUP) $(FETCH)
	@$(PYTHON) tools/breakit.py $(PATCH)

diff:
	@TESTS='$(TESTS)' $(PYTHON) tools/diff.py '$(FROM)' '$(TO)'

lab:
	@$(PYTHON) tools/lab.py '$(STAGE)' $(call QUOTED,$(value DIR)) \
		'$(EXERCISE)'

grade:
	@$(PYTHON) tools/grade.py $(call QUOTED,$(value DIR)) '$(EXERCISE)'

soak: final | $(AFTER_SETUP)
	@$(PYTHON) tools/soak.py $(or $(N),10) $(CPUS) $(WAYS)

gdb replay: | $(AFTER_SETUP)
	+@$(SUBMAKE) $(JOBS) -C $(call stage_dir,$(ONE)) to-run
	@$(PYTHON) tools/gdb.py $@ STAGE=$(ONE)

console:
	@$(PYTHON) tools/gdb.py $@

compile_commands.json:
	@$(PYTHON) tools/compile_commands.py $(CHOSEN)

# The cache of Debian packages survives a clean.
clean distclean: not-elsewhere
.PHONY: not-elsewhere
not-elsewhere:
	@test -z '$(ELSEWHERE)' || { echo 'clean: what is in' \
		'$(ELSEWHERE) is not removed: that is yours to do'; exit 1; }
clean:
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name cache \
		-exec rm -rf {} +
	@rm -f compile_commands.json
	@echo "removed build/, except build/cache (make distclean: all)"

distclean:
	@rm -rf build compile_commands.json
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "removed build/ and all caches"

# CHAPTER=02-paging: the web page of one chapter, with what it has so far.
book: | $(AFTER_SETUP)
	@$(PYTHON) tools/book $(if $(CHAPTER),html,all) $(CHAPTER)

book-check:
	@$(PYTHON) tools/book check $(CHAPTER)


help:
	@sed -n 's/^#: \{0,1\}//p' Makefile

#: make                 build all stages and final/
#: make setup           install missing Debian packages; `make setup run` and
#:                      `make setup test` only those of that goal
#: make run             boot Linux under Vellum in QEMU; Ctrl-A x leaves.
#:                      STAGE=03-buddy EMU=qemu|bochs|kvm CPUS= MEM=512M
#:                      FIRMWARE=bios|uefi (uefi: final only)
#:                      GUEST=linux|demo|none|FILE.img|FILE.iso
#:                      or a lesson of stage 05: first|hole|filters|attack
#:                      KERNEL= INITRD= CMDLINE=  (of the Linux guest)
#:                      OPTIONS="debug panic=shell" CONF=vellum.conf
#:                      (settings for Vellum: README)
#:                      EMU_ARGS= TIMEOUT=
#:                      NET=1 LOG=udp|syslog NIC=e1000|e1000e
#:                      (final: its log, over a network card of its own)
#:                      BATCH=1 no input; TEST=1 with self-tests;
#:                      DEBUG=1 compiled for debuggers (-Og);
#:                      NATIVE=1 the guest alone, without Vellum;
#:                      MM_FAIL_AT=n the n-th memory allocation fails
#:                      BUILD_ROOT=DIR builds there, not in build/ (for all
#:                      commands; the tree may be read-only then)
#: make menuconfig      choose what is built, in a menu, and leave it in
#:                      .config; make config asks instead
#: make NAME_defconfig  .config of final/configs/NAME: default, tiny, debug
#: make savedefconfig   NAME=mine: final/configs/mine of .config
#: make olddefconfig    .config without what is no option (any more), and with
#:                      what is new. KCONFIG_CONFIG=FILE is used instead of
#:                      .config (for all commands)
#: make size            what each option costs, in bytes of image and in pages
#: make test-configs    build each option's other side, tiny, debug, and ten
#:                      configurations by chance (SEED=n), and boot a few
#: make test            each kind of test; STAGE= EMU= choose, PYTEST= goes to
#:                      pytest; ALL=1 the slow variants as well; SWEEP=1 lets
#:                      every allocation of a boot fail, one by one
#: make transcripts     renew what the book shows of runs; NAME=02-paging-boot
#: make figures         draw the stages' memory anew; NAME=05-vmx-ept-memory
#: make test-breakit    break Vellum as the book says, and see each symptom;
#:                      PATCH=02-no-wp chooses one (or more, in quotes)
#: make check           format, headers, lengths, links, layers, warnings,
#:                      and that the book shows every line; CHECK=links
#:                      chooses one (or more, in quotes)
#: make bench           exits, instructions and times, as table and JSON, and
#:                      a disk that is read with the IOMMU and without; NET=1
#:                      also with the log over the network
#: make bench-memory    what an allocation costs, beside glibc's malloc,
#:                      jemalloc and mimalloc
#: make fuzz            search for inputs that break the memory layers, the
#:                      parsers, the system calls, for TIME=60 seconds in all;
#:                      STAGE= TARGET=heap-fuzz choose; SEED=n repeats
#: make fuzz-memory     a hundred million operations on the memory layers, or
#:                      OPS=n: about a quarter of an hour on 2 CPUs
#: make iso             build/final/vellum.iso, for CDs and USB sticks: a menu
#:                      with the preflight check, Vellum, and the Linux demo
#: make soak N=20       boots in a row on 2 and 4 CPUs (CPUS=n: only those, on
#:                      n); N reboots in a row on two machines, and each way
#:                      to reboot on all (from N=20 on twice, and in Bochs);
#:                      WAYS="pci kdump": only N in each of these ways, with
#:                      all features, an IOMMU and the log over the network
#: make report          what vellum-report (INSTALL.md) says of an emulated PC
#: make doctor          what this machine can run
#: make diff FROM=02-paging TO=03-buddy     what a chapter adds: a summary,
#:                      then the code; TESTS=1 its tests, too
#: make lab STAGE=04-slab DIR=~/lab         a tree of your own, with an
#:                      exercise to do: make -C ~/lab grade; EXERCISE= names
#:                      another, EXERCISE=none leaves the program whole;
#:                      make lab alone lists the exercises
#: make grade DIR=...   grade a hand-in, or all in a directory, as a table,
#:                      JSON and CSV; EXERCISE= says what they are for, where
#:                      a hand-in does not; SEED=n repeats a run
#: make gdb STAGE=...   GDB on a stage in QEMU, with commands for Vellum
#:                      (`help vellum` there); DEBUG=1 shows every variable
#: make replay STAGE=...                    the same, of a recorded run: GDB
#:                      goes backwards, from a panic to its cause
#: make console         the serial console of either, in a second window
#: make book            the book: build/book/html/, vellum.epub, vellum.pdf;
#:                      CHAPTER=02-paging only the web page of one chapter
#: make book-check      what the book shows; CHAPTER= what one chapter lacks
#: make compile_commands.json               for clangd and editors
#: make clean           remove what was built; make distclean: downloads, too
#:
#: Stages: see stages/.

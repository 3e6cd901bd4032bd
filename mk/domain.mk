# The programs that run in protection domains: each .c file in domain/programs/
# is one, linked alone with the user library (domain/user/, and a few files of
# other folders compiled once more), and then a part of the image, in its
# read-only data (mk/programs.awk). With TEST=1 those of domain/test/programs/
# as well.

ifneq ($(and $(CONFIG_DOMAIN),$(wildcard domain/programs)),)

PROGRAM_BUILD := $(BUILD)/programs
PROGRAM_SOURCES := $(sort $(wildcard domain/programs/*.c $(if $(CONFIG_TEST),\
	domain/test/programs/*.c)))
PROGRAM_OBJECTS := $(PROGRAM_SOURCES:%.c=$(PROGRAM_BUILD)/%.o)
PROGRAM_ELFS := $(PROGRAM_OBJECTS:.o=.elf)
USER_LIBRARY := $(PROGRAM_BUILD)/user.a
USER_OBJECTS := $(patsubst %,$(PROGRAM_BUILD)/%.o,$(basename $(wildcard \
	domain/user/*.c domain/user/*.S) console/printf.c lib/string.c \
	lib/words.c))

# trace-pc: each block of code calls __sanitizer_cov_trace_pc() of the library,
# which yields now and then. What speculates in ring 3 is no danger to it.
PROGRAM_CFLAGS := $(filter-out -D__VELLUM__ -mindirect-branch% \
	-mharden-sls%,$(CFLAGS)) $(if $(DEBUG),,-Os) \
	-ffunction-sections -fdata-sections -fsanitize-coverage=trace-pc

$(PROGRAM_BUILD)/%.o: %.c $(BUILD)/flags mk/domain.mk
	@mkdir -p $(@D)
	@$(CC) $(PROGRAM_CFLAGS) -MMD -MP -c -o $@ $(HERE)/$<

$(PROGRAM_BUILD)/%.o: %.S $(BUILD)/flags mk/domain.mk
	@mkdir -p $(@D)
	@$(CC) $(PROGRAM_CFLAGS) -D__ASSEMBLER__ -MMD -MP -c -o $@ $(HERE)/$<

$(call STAMP,$(PROGRAM_BUILD)/list,$(PROGRAM_SOURCES) $(USER_OBJECTS))
$(USER_LIBRARY): $(USER_OBJECTS) $(PROGRAM_BUILD)/list
	@rm -f $@
	@ar rcsD $@ $(USER_OBJECTS)

$(PROGRAM_ELFS): %.elf: %.o $(USER_LIBRARY) domain/user/program.ld
	@echo "  PROGRAM $(SHOWN)"
	@ld $(LDFLAGS) --gc-sections -T domain/user/program.ld -o $@ $< \
		$(USER_LIBRARY)
	@objcopy -O binary $@ $(@:.elf=.bin)

$(BUILD)/programs.S: $(PROGRAM_ELFS) $(PROGRAM_BUILD)/list mk/programs.awk
	@for p in $(PROGRAM_ELFS:.elf=); do \
		echo "program $${p##*/} $$p.bin"; nm -n $$p.elf || exit 1; \
	done > $@.names
	@awk -v SYMBOLS=$(CONFIG_SYMBOLS) -f mk/programs.awk $@.names > $@

$(BUILD)/programs.o: $(BUILD)/programs.S
	@$(CC) -c -o $@ $<

OBJECTS += $(BUILD)/programs.o
.SECONDARY: $(USER_OBJECTS) $(PROGRAM_OBJECTS)

-include $(USER_OBJECTS:.o=.d) $(PROGRAM_OBJECTS:.o=.d)

endif

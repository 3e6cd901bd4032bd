# All values are checked before anything is built, by tools/values.py: it is
# asked here, by the top-level Makefile and by mk/stage.mk, which labs have
# alone. OWN_STAGE is the only stage there. A make that we call does not ask
# again: it gets CHECKED=yes.

PYTHON := /usr/bin/python3
ASK = $(PYTHON) -BSsE tools/values.py

# What the command line sets, as words for a shell. (The environment is full of
# other people's names.)
GIVEN := $(foreach v,$(.VARIABLES),$(if $(filter command,$(origin $v)),\
	$(call QUOTED,$v=$(value $v))))

# A minimal Debian has no Python yet: `make setup` installs it.
ifneq ($(CHECKED),yes)
ifneq ($(wildcard $(PYTHON)),)
WRONG := $(shell $(ASK) $(if $(OWN_STAGE),--stage $(OWN_STAGE)) \
	$(or $(MAKECMDGOALS),all) $(GIVEN))
ifneq ($(.SHELLSTATUS),0)
$(error $(WRONG))
endif
CHECKED := yes
endif
endif
SUBMAKE = $(MAKE) --no-print-directory CHECKED=$(CHECKED)

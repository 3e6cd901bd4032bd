# Where the tree lies and where it builds to, looked at before anything is done.
# The top-level Makefile and mk/stage.mk, which labs have alone, include this.
# All that make itself handles is named from the stage's directory on, so the
# tree may lie anywhere: make cannot handle a space, nor much else, in a name.

# Folders that a stage has or links to. A copy without symbolic links has files
# in their place, with the link's target as text.
PARTS := boot console efi lib paging page heap vmm vmx vmentry svm guest smp \
	demo mk tools tests
# $(call LOST_LINKS,directories): what should be folders in them, and is not.
LOST_LINKS = $(foreach d,$1,$(if $(wildcard $d/mk/.),,$d/mk) \
	$(foreach f,$(wildcard $(PARTS:%=$d/%)),$(if $(wildcard $f/.),,$f)))
# $(call NEED_LINKS,directories): an error when there are such.
NEED_LINKS = $(foreach f,$(firstword $(call LOST_LINKS,$1)),$(error \
	$f is no folder: this copy of the tree has lost its symbolic links. \
	Get it with `git clone -c core.symlinks=true`; on Windows do that \
	inside WSL or a container. A zip file will not do))

# As one word for the shell.
QUOTED = '$(subst ','\'',$1)'

# BUILD_ROOT= names another place to build in: that, or the way there from here
# when the name itself is not for make.
HASH := \#
ODD := : $(HASH) $$ % ' " ` \ ; & | < > * ? [ ] ( ) { } ~ !
IS_ODD = $(filter-out 1,$(words $1))$(strip $(foreach c,$(ODD),$(findstring \
	$c,$1)))
ELSEWHERE := $(value BUILD_ROOT)
# The tree's own place under another name would have all compiled anew.
ifeq ($(ELSEWHERE),$(realpath mk/..)/build)
ELSEWHERE :=
endif
ifneq ($(ELSEWHERE),)
ifneq ($(call IS_ODD,$(ELSEWHERE)),)
ELSEWHERE := $(shell realpath -m --relative-to=. $(call QUOTED,$(ELSEWHERE)))
endif
ifneq ($(call IS_ODD,$(ELSEWHERE))$(filter-out /%,$(firstword \
	$(value BUILD_ROOT))),)
$(error BUILD_ROOT=$(value BUILD_ROOT): give a whole path, from / on, without \
	spaces and without any of $(ODD))
endif
endif

# Values that the compiler gets as they are: one line says what is wrong with
# one, not a page of errors in files that have nothing to do with it. The
# top-level Makefile and mk/stage.mk, which labs have alone, both include this.

# $(call WITHOUT,words,text): the text when all of the words are cut out of it.
WITHOUT = $(if $1,$(call WITHOUT,$(wordlist 2,10,$1),$(subst \
	$(firstword $1),,$2)),$2)

# A number in C: digits, and no 0 before others, since that makes it octal.
IS_NUMBER = $(if $(call WITHOUT,0 1 2 3 4 5 6 7 8 9,$1)$(filter-out \
	0,$(filter 0%,$1)),,$(filter 1,$(words $1)))

$(foreach v,MM_FAIL_AT EPT_PREALLOC,$(if $($v),$(if $(call IS_NUMBER,$($v)),,\
	$(error $v=$($v): not a number such as 2 or 1024))))

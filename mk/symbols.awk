# Turns `nm -n` of the first link into the symbol table of the second: the
# addresses of all functions, in order, with their names (console/backtrace.c).
BEGIN {
	print "\t.section .symbols, \"a\""
	print "\t.balign 8"
}

# The bounds that the linker script sets are no functions, nor is the physical
# address of the entry point.
$2 ~ /^[tT]$/ && $3 !~ /^((image|text)_(start|end)|entry_address)$/ {
	printf "\t.quad 0x%s, name%d\n", $1, count
	name[count++] = $3
}

END {
	print "\t.section .symbol_names, \"a\""
	for (i = 0; i < count; i++)
		printf "name%d:\t.asciz \"%s\"\n", i, name[i]
	print "\t.section .note.GNU-stack, \"\", @progbits"
}

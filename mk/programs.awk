# Makes the programs for domains a part of the image: for each, from a line
# "program NAME FILE" and its `nm -n`, the bytes of FILE on pages that hold
# nothing else, its functions with their names (-v SYMBOLS=y), and its struct
# program (domain/program.h). FILE begins with _start.
function label(kind, i) {
	return kind "_of_program" i
}

$1 == "program" {
	name[++count] = $2
	file[count] = $3
	next
}

$3 ~ /^(text_end|rodata_end|data_end|program_end)$/ {
	bound[count, $3] = $1
	next
}

$3 ~ /^(_start|program_help)$/ {
	place[count, $3] = $1
}

$2 ~ /^[tT]$/ && SYMBOLS {
	n = functions[count]++
	address[count, n] = $1
	symbol[count, n] = $3
}

END {
	print "\t.section .rodata.programs, \"a\""
	print "\t.balign 8"
	print "\t.globl programs_start, programs_end"
	print "programs_start:"
	for (i = 1; i <= count; i++) {
		print "\t.quad " label("name", i) ", " label("image", i)
		print "\t.quad 0x" bound[i, "text_end"] \
			", 0x" bound[i, "rodata_end"]
		print "\t.quad 0x" bound[i, "data_end"] \
			", 0x" bound[i, "program_end"]
		print "\t.quad " label("symbols", i) ", " functions[i] + 0
		print "\t.quad " label("image", i) " + 0x" \
			place[i, "program_help"] " - 0x" place[i, "_start"]
	}
	print "programs_end:"
	for (i = 1; i <= count; i++) {
		print label("symbols", i) ":"
		for (n = 0; n < functions[i]; n++)
			print "\t.quad 0x" address[i, n] ", " \
				label("f" n, i)
		print label("name", i) ":\t.asciz \"" name[i] "\""
		for (n = 0; n < functions[i]; n++)
			print label("f" n, i) ":\t.asciz \"" symbol[i, n] "\""
		print "\t.balign 8"
	}
	print "\t.section .rodata.images, \"a\""
	for (i = 1; i <= count; i++) {
		print "\t.balign 4096"
		print label("image", i) ":\t.incbin \"" file[i] "\""
	}
	print "\t.balign 4096"
	print "\t.section .note.GNU-stack, \"\", @progbits"
}

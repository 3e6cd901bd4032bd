/*
 * The settings that were built in: the file defconfig at the top of the tree
 * (mk/defconfig.mk). Not read-only, for it is made into words in place.
 */
	.section .data
	.globl defconfig_text, defconfig_size
defconfig_size:
	.long 1f - defconfig_text
defconfig_text:
	.incbin DEFCONFIG
1:	.byte 0		/* conf_clean()'s NUL */

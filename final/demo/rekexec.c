/*
 * rekexec [-p] KERNEL INITRD CMDLINE: start another Linux from this one, as the
 * kexec tool does, by the kernel's own loader (kexec_file_load). A new kernel
 * starts the other CPUs with INIT and start-up IPIs once more, and that is what
 * the test of it is after. With -p it is started when this one panics. Static,
 * for an initramfs.
 */
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_or_say(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		perror(path);
	return fd;
}

int main(int argc, char **argv)
{
	bool later = argc > 1 && !strcmp(argv[1], "-p");
	int kernel, initrd;

	argc -= later;
	argv += later;
	if (argc != 4) {
		fprintf(stderr, "usage: rekexec [-p] KERNEL INITRD CMDLINE\n");
		return 2;
	}
	kernel = open_or_say(argv[1]);
	initrd = open_or_say(argv[2]);
	if (kernel < 0 || initrd < 0)
		return 1;
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[3]) + 1,
		    argv[3], later ? (unsigned long)KEXEC_FILE_ON_CRASH : 0)) {
		perror("kexec_file_load");
		return 1;
	}
	if (later)
		return 0;
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_KEXEC, NULL);
	perror("reboot");
	return 1;
}

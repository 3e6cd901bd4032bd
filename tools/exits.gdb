# The exits of a guest but those for CPUID, one a line, on SVM, until the guest
# first asks Vellum itself (vellumctl):
#
#	make gdb STAGE=05-vmx-ept GUEST=linux GDB_ARGS='-batch -x tools/exits.gdb'
#
# Book: "Linux boots".
set pagination off
set confirm off
break exit_dispatch if exit->reason != EXIT_CPUID
commands
silent
set $save = ((struct svm_vcpu *)vcpu->backend)->vmcb->save
if exit->reason == EXIT_HYPERCALL && $save.rax == 0x6d756c6c
	kill
	quit
end
printf "exit: "
output exit->reason
printf " at 0x%lx, after %lu CPUIDs: ", $save.rip + $save.cs.base, vcpu->stats[EXIT_CPUID].count
if exit->reason == EXIT_WRMSR
	printf "0x%lx = 0x%lx\n", vcpu->regs.rcx, vcpu->regs.rdx << 32 | (unsigned)$save.rax
end
if exit->reason == EXIT_RDMSR
	printf "0x%lx\n", vcpu->regs.rcx
end
if exit->reason == EXIT_IO
	if exit->write
		printf "port 0x%x = 0x%lx\n", exit->port, $save.rax & 0xffff
	else
		printf "port 0x%x\n", exit->port
	end
end
if exit->reason == EXIT_HYPERCALL
	printf "EAX 0x%lx, ECX %lu\n", $save.rax, vcpu->regs.rcx
end
continue
end
continue

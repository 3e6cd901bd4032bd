/*
 * The debug shell's doors: how `vellumctl shell` in the guest comes in.
 *
 *	in:  RAX = HYPERCALL_MAGIC, RBX = HYPERCALL_SHELL, RSI = a session's ID,
 *	     RCX = a call of enum shell_call, and what it needs besides:
 *	     SHELL_OPEN   RSI = a value for the first program
 *	     SHELL_WRITE  RDI R8 = text, CH = its length
 *	out: RAX = 0 or a negative errno, and if 0:
 *	     SHELL_OPEN   RBX = the ID, RDX = the rights
 *	     SHELL_WRITE  RBX = how much was taken
 *	     SHELL_RUN    RBX RSI RDI R8 = text, RDX = its length, then from bit
 *	                  8 on the state, from 16 on whether output was lost,
 *	                  from 32 on the status
 *	     (SHELL_OPEN: RAX = -EBUSY, RSI = the other's cycles of silence)
 *
 * A hypercall comes from any privilege level, and Vellum can't tell which:
 * CPL 3 is root's as well as anybody's. So the hypercall's door gives no
 * rights. The other door does, and has the guest's own kernel for a porter: it
 * is an I/O port. Who may write to a port the guest decides, by IOPL and the
 * bitmap in its TSS, which Linux opens to root alone (ioperm(2)); and the CPU
 * asks them before it exits (SDM 3C 26.1.1; that AMD's do so too is what KVM
 * relies on, and a test). An OUT that arrives here has been let pass.
 *
 * The port must be nobody else's. Below 0x100 are those of the main board,
 * where neither PCI nor ISA cards go. Of these 0xe0 to 0xef were a memory
 * controller's in the PS/2 of 1987; today's chipsets decode none of them. 0xe9
 * is an emulator's console and 0xed Linux' place to wait at, hence 0xe6. A
 * write that is no call of ours goes on to the hardware.
 */
#include "shell/door.h"

#include "boot/settings.h"
#include "domain/domain.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "shell/session.h"
#include "vmm/hypercall.h"
#include "vmm/io.h"
#include "vmm/vcpu.h"

#define HYPERCALL_SHELL 8
#define SHELL_PORT      0xe6

enum shell_call {
	SHELL_OPEN,
	SHELL_WRITE,
	SHELL_RUN,
	SHELL_CLOSE,
};

SETTING(debug_setting, .name = "debug",
	.help = "let root's vellumctl shell change things");

static int open_shell(struct guest_regs *r, u32 rights)
{
	int error = session_open(rights, (int)r->rsi, &r->rbx, &r->rsi);

	r->rdx = rights;
	return error;
}

static int write_shell(struct guest_regs *r, u32 rights)
{
	u64 text[SESSION_TEXT_IN / 8] = {r->rdi, r->r8};
	uint length = MIN(r->rcx >> 8 & 0xff, sizeof(text));
	int n = session_write(rights, r->rsi, (char *)text, length);

	if (n < 0)
		return n;
	r->rbx = n;
	return 0;
}

static int run_shell(struct guest_regs *r, u32 rights)
{
	struct session_reply reply;
	u64 text[SESSION_TEXT_OUT / 8];
	int error = session_run(rights, r->rsi, &reply);

	if (error)
		return error;
	memcpy(text, reply.text, sizeof(text));
	r->rbx = text[0];
	r->rsi = text[1];
	r->rdi = text[2];
	r->r8 = text[3];
	r->rdx = reply.length | reply.state << 8 | reply.lost << 16 |
		 (u64)(u32)reply.status << 32;
	return 0;
}

static int serve(struct guest_regs *r, u32 rights)
{
	switch (r->rcx & 0xff) {
	case SHELL_OPEN:
		return open_shell(r, rights);
	case SHELL_WRITE:
		return write_shell(r, rights);
	case SHELL_RUN:
		return run_shell(r, rights);
	case SHELL_CLOSE:
		return session_close(rights, r->rsi);
	default:
		return -EINVAL;
	}
}

static int call_shell(struct vcpu *vcpu)
{
	return serve(&vcpu->regs, 0);
}

HYPERCALL(8, call_shell);

/* Nothing but RAX and what a call answers with is changed: the OUT itself
 * changes no register. */
static u8 port_is_written(const struct io_watch *watch, u8 value)
{
	struct guest_regs *r = &vcpu_current()->regs;
	u32 rights = RIGHT_INSPECT;

	if ((u32)r->rax != HYPERCALL_MAGIC || r->rbx != HYPERCALL_SHELL)
		return value;
	if (setting_flag(&debug_setting))
		rights |= RIGHT_CHANGE;
	r->rax = serve(r, rights);
	return value;
}

static struct io_watch port_watch = {
	.port = SHELL_PORT,
	.write = port_is_written,
};

void shell_open_doors(void)
{
	if (hypercall_is_allowed())
		io_watch(&port_watch);
}

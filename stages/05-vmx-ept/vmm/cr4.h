/*
 * The bits of CR4 that the guest may set. A bit that is not here belongs to a
 * feature with state of its own that Vellum does not keep apart (CET, PKS,
 * FRED, UINTR, LASS, Key Locker), to virtualisation itself (VMXE, SMXE), or to
 * five-level paging, which CPUID does not show either. MOV to CR4 with such a
 * bit raises #GP, as on a CPU that lacks the feature. SDM 3A 2.5.
 */
#ifndef VMM_CR4_H
#define VMM_CR4_H

#include "lib/cpu.h"

#define CR4_GUEST_MAY_SET                                                     \
	(CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | \
	 CR4_PGE | CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_UMIP |         \
	 CR4_FSGSBASE | CR4_PCIDE | CR4_OSXSAVE | CR4_SMEP | CR4_SMAP |       \
	 CR4_PKE)

#endif

/*
 * The table of MSRs that a guest may write, each with the reason.
 *
 * Three kinds of register are in no PASS row, and must never be. Those that
 * hold physical addresses, or say what lies at one: they lead past the nested
 * page tables (APIC_BASE, DS_AREA, RTIT, SYSCFG, IORR, TOP_MEM, SMM, RMP).
 * Those that go on working when the CPU has come back to Vellum, unless the
 * exit switches them (PEBS, BTS, Intel PT, LBRs, IBS). And those that change
 * the CPU under us: microcode, the features in CPUID, voltage.
 *
 * A register that exists on some CPUs only needs no condition here: where it
 * does not exist, the hardware raises the #GP. SDM 4; APM 2 appendix A, and the
 * PPRs of families 17h and 19h for numbers from 0xc0010000 on.
 */
#include "vmm/msr_rules.h"

#include "lib/cpu.h"

#define PASS       MSR_PASS, 0
#define BITS(bits) MSR_BITS, bits
#define VIRTUAL    MSR_VIRTUAL, 0
#define ABSENT     MSR_ABSENT, 0

/* CPUs have no MSRs but in two ranges. What lies between, hypervisors have
 * made up: should there be one below us, its MSRs hold physical addresses. */
#define MSR_LOW_END  0x2000
#define MSR_HIGH     0xc0000000
#define MSR_HIGH_END 0xc0012000

/* By number, without overlaps. Registers beside each other with the same
 * reason share a row. */
static const struct msr_rule rules[] = {
	{0x10, 0x10, ON_BOTH, PASS}, /* TSC: no wait of ours spans an entry */
	{0x1b, 0x1b, ON_BOTH, VIRTUAL}, /* APIC_BASE: the page must not move */
	{0x33, 0x33, ON_VMX, BITS(BIT(29))}, /* TEST_CTRL: split-lock #AC */
	{0x3a, 0x3a, ON_VMX, VIRTUAL}, /* FEATURE_CONTROL: VMX is locked off */
	{0x3b, 0x3b, ON_BOTH, PASS},   /* TSC_ADJUST: as the TSC */
	{0x40, 0x47, ON_VMX, PASS}, /* LBR, data: DEBUGCTL is 0 after an exit */
	{0x48, 0x49, ON_BOTH, PASS},   /* SPEC_CTRL, PRED_CMD: mitigations */
	{0x4e, 0x4f, ON_VMX, PASS},    /* PPIN: a serial number */
	{0x60, 0x67, ON_VMX, PASS},    /* LBR, data */
	{0x79, 0x79, ON_VMX, VIRTUAL}, /* BIOS_UPDT_TRIG: microcode, dropped */
	{0x8b, 0x8b, ON_VMX, PASS}, /* BIOS_SIGN_ID: 0, to read the revision */
	{0x9b, 0x9b, ON_VMX, ABSENT}, /* SMM_MONITOR_CTL: a part of VMX */
	{0xb0, 0xb1, ON_VMX, PASS}, /* OS_MAILBOX: frequencies (speed select) */
	{0xc1, 0xc8, ON_VMX, PASS}, /* PMC: stopped by PERF_GLOBAL_CTRL */
	{0xe1, 0xe2, ON_VMX, PASS}, /* UMWAIT_CONTROL, PKG_CST_CONFIG: idling */
	{0xe7, 0xe8, ON_BOTH, PASS},   /* MPERF, APERF: counters of cycles */
	{0x10b, 0x10b, ON_BOTH, PASS}, /* FLUSH_CMD: mitigation */
	{0x10f, 0x10f, ON_VMX, PASS},  /* TSX_FORCE_ABORT: mitigation */
	{0x122, 0x123, ON_VMX, PASS},  /* TSX_CTRL, MCU_OPT_CTRL: mitigations */
	/* MISC_FEATURES: CPUID faults in ring 3 */
	{0x140, 0x140, ON_VMX, PASS},
	{0x174, 0x176, ON_BOTH, PASS}, /* SYSENTER: switched at exits */
	{0x17a, 0x17b, ON_BOTH, PASS}, /* MCG_STATUS, MCG_CTL: machine checks */
	{0x17f, 0x17f, ON_VMX, PASS},  /* ERROR_CONTROL: machine checks */
	{0x186, 0x18d, ON_VMX, PASS},  /* PERFEVTSEL: as the counters */
	{0x199, 0x19c, ON_VMX, PASS},  /* P-states, clock modulation, thermal */
	{0x1a0, 0x1a0, ON_VMX, VIRTUAL}, /* MISC_ENABLE: no-execute stays */
	/* TEMPERATURE_TARGET: throttles earlier */
	{0x1a2, 0x1a2, ON_VMX, PASS},
	{0x1a4, 0x1a4, ON_VMX, PASS}, /* MISC_FEATURE_CONTROL: prefetchers */
	{0x1a6, 0x1a7, ON_VMX, PASS}, /* OFFCORE_RSP: what a counter counts */
	{0x1ac, 0x1af, ON_VMX, PASS}, /* limits of turbo */
	{0x1b0, 0x1b2, ON_VMX, PASS}, /* ENERGY_PERF_BIAS, package thermal */
	{0x1c4, 0x1c5, ON_VMX, PASS}, /* XFD: AMX, of which we use nothing */
	{0x1c8, 0x1c9, ON_VMX, PASS}, /* LBR_SELECT, LASTBRANCH_TOS */
	{0x1d9, 0x1d9, ON_VMX, VIRTUAL}, /* DEBUGCTL: no BTS; loaded at entry */
	/* DEBUGCTL: BTF; LBRs would run on */
	{0x1d9, 0x1d9, ON_SVM, BITS(BIT(1))},
	{0x1fc, 0x1fc, ON_VMX, PASS},                  /* POWER_CTL: C1E */
	{MSR_MTRR_PHYSBASE0, 0x23f, ON_BOTH, VIRTUAL}, /* MTRR: a copy */
	{MSR_MTRR_FIX64K, MSR_MTRR_FIX64K, ON_BOTH, VIRTUAL}, /* MTRR */
	{MSR_MTRR_FIX16K, 0x259, ON_BOTH, VIRTUAL},           /* MTRR */
	{MSR_MTRR_FIX4K, 0x26f, ON_BOTH, VIRTUAL},            /* MTRR */
	{MSR_PAT, MSR_PAT, ON_BOTH, PASS}, /* PAT: switched at exits */
	{0x280, 0x29f, ON_VMX, PASS}, /* MC_CTL2: corrected machine checks */
	{MSR_MTRR_DEF_TYPE, MSR_MTRR_DEF_TYPE, ON_BOTH, VIRTUAL}, /* MTRR */
	{0x309, 0x318, ON_VMX, PASS},   /* FIXED_CTR: as the other counters */
	{0x329, 0x329, ON_VMX, PASS},   /* PERF_METRICS */
	{0x38d, 0x38d, ON_VMX, PASS},   /* FIXED_CTR_CTRL */
	{0x38f, 0x38f, ON_VMX, PASS},   /* PERF_GLOBAL_CTRL: 0 after an exit */
	{0x390, 0x396, ON_VMX, PASS},   /* counters' status; uncore counters */
	{0x3b0, 0x3c7, ON_VMX, PASS},   /* uncore counters */
	{0x3f1, 0x3f5, ON_VMX, ABSENT}, /* PEBS: writes memory by itself */
	{0x3f6, 0x3f7, ON_VMX, PASS},   /* LD_LAT, FRONTEND: what is counted */
	{0x400, 0x47f, ON_BOTH, PASS},  /* MC banks: machine checks */
	{0x480, 0x493, ON_VMX, ABSENT}, /* VMX */
	{0x4c1, 0x4c8, ON_VMX, PASS},   /* A_PMC: the counters in full width */
	{0x4d0, 0x4d0, ON_VMX, PASS},   /* MCG_EXT_CTL: local machine checks */
	{0x560, 0x587, ON_VMX, ABSENT}, /* RTIT: physical addresses, runs on */
	{0x600, 0x600, ON_VMX, ABSENT}, /* DS_AREA: as PEBS */
	{0x601, 0x601, ON_VMX, PASS},   /* power limit */
	{0x610, 0x610, ON_VMX, PASS},   /* power limit */
	{0x618, 0x618, ON_VMX, PASS},   /* power limit */
	{0x620, 0x620, ON_VMX, PASS},   /* UNCORE_RATIO_LIMIT */
	{0x638, 0x642, ON_VMX, PASS},   /* power limits */
	{0x64b, 0x64c, ON_VMX, PASS},   /* CONFIG_TDP, TURBO_ACTIVATION_RATIO */
	{0x64f, 0x64f, ON_VMX, PASS},   /* why it is slow: log bits */
	{0x657, 0x657, ON_VMX, PASS},   /* FAST_UNCORE_MSRS_CTL: HWP */
	{0x65c, 0x65c, ON_VMX, PASS},   /* power limit */
	{0x668, 0x669, ON_VMX, PASS},   /* DEMOTION_POLICY: idling */
	{0x680, 0x69f, ON_VMX, PASS},   /* LBR, data */
	{0x6b0, 0x6b1, ON_VMX, PASS},   /* why it is slow: log bits */
	{0x6c0, 0x6df, ON_VMX, PASS},   /* LBR, data */
	{0x6e0, 0x6e0, ON_BOTH, PASS},  /* TSC_DEADLINE: the guest's timer */
	{0x700, 0x73f, ON_VMX, PASS},   /* uncore counters */
	{0x770, 0x777, ON_VMX, PASS},   /* HWP: frequencies */
	/* x2APIC: it has no memory; smp/ has ICR */
	{0x800, 0x83f, ON_BOTH, PASS},
	{0xc81, 0xc82, ON_BOTH, PASS},    /* RDT: shares of the caches */
	{0xc8d, 0xd8f, ON_BOTH, PASS},    /* RDT */
	{0xda0, 0xda0, ON_BOTH, VIRTUAL}, /* XSS: state that we know of */
	{0xdb0, 0xdb2, ON_VMX, PASS},     /* HDC: duty cycling */
	{0xdc0, 0xddf, ON_VMX, PASS},     /* LBR, data */
	{0xe00, 0xfff, ON_VMX, PASS},     /* uncore counters */
	/* VIA's FCR: CMPXCHG8B, PGE, ciphers */
	{0x1107, 0x1107, ON_VMX, BITS(BIT(1) | BIT(7) | BIT(28))},
	{0x110b, 0x110b, ON_VMX, BITS(BIT(6))}, /* VIA's random numbers */
	{0x1200, 0x121f, ON_VMX, ABSENT},       /* architectural LBR: runs on */
	{0x1257, 0x1257, ON_VMX, BITS(BIT(7) | BIT(8))}, /* Zhaoxin's ciphers */
	{0x14ce, 0x14cf, ON_VMX, ABSENT},                /* architectural LBR */
	{0x1500, 0x151f, ON_VMX, ABSENT},                /* architectural LBR */
	{0x1600, 0x161f, ON_VMX, ABSENT},                /* architectural LBR */
	/* HFI: writes to a physical address */
	{0x17d0, 0x17d4, ON_VMX, ABSENT},
	{0x1b01, 0x1b01, ON_VMX, PASS}, /* UARCH_MISC_CTL: mitigation (DOITM) */
	{MSR_EFER, MSR_EFER, ON_VMX, PASS},       /* EFER: switched at exits */
	{MSR_EFER, MSR_EFER, ON_SVM, VIRTUAL},    /* EFER: SVME must be 1 */
	{MSR_STAR, MSR_SFMASK, ON_BOTH, PASS},    /* SYSCALL: nothing of ours */
	{MSR_FS_BASE, 0xc0000103, ON_BOTH, PASS}, /* FS, GS, TSC_AUX */
	{0xc0000108, 0xc0000108, ON_SVM, PASS},   /* PREFETCH_CONTROL */
	{0xc0000200, 0xc000028f, ON_SVM, PASS},   /* shares of bandwidth */
	{0xc0000300, 0xc0000303, ON_SVM, PASS},   /* counters, see PERF_CTL */
	{0xc00003fd, 0xc00003ff, ON_SVM, PASS},   /* counting bandwidth */
	{0xc0000400, 0xc0000411, ON_SVM, PASS}, /* machine checks, bandwidth */
	{0xc0002000, 0xc0002fff, ON_SVM, PASS}, /* MCA banks: machine checks */
	{0xc0010000, 0xc0010003, ON_SVM, VIRTUAL}, /* PERF_CTL: GuestOnly */
	{0xc0010004, 0xc0010007, ON_SVM, PASS},    /* PERF_CTR: see PERF_CTL */
	/* HWCR: machine checks, boost, counters; no SMM, no cache bits */
	{0xc0010015, 0xc0010015, ON_SVM,
	 BITS(BIT(18) | BIT(25) | BIT(27) | BIT(30))},
	/* NB_CFG: PCI registers above 255 by ports */
	{0xc001001f, 0xc001001f, ON_SVM, BITS(BIT(46))},
	{0xc0010020, 0xc0010020, ON_SVM, VIRTUAL}, /* microcode, dropped */
	/* MC_CTL_MASK: machine checks */
	{0xc0010044, 0xc001004b, ON_SVM, PASS},
	/* INT_PENDING: C1E */
	{0xc0010055, 0xc0010055, ON_SVM, BITS(BIT(27) | BIT(28))},
	{0xc0010062, 0xc0010062, ON_SVM, PASS}, /* PERF_CTL: P-states */
	/* VM_CR: SVM is locked off */
	{0xc0010114, 0xc0010114, ON_SVM, VIRTUAL},
	{0xc0010117, 0xc0010118, ON_SVM, ABSENT}, /* SVM */
	{0xc001011f, 0xc001011f, ON_SVM, PASS}, /* VIRT_SPEC_CTRL: mitigation */
	{0xc0010200, 0xc001020b, ON_SVM, VIRTUAL}, /* PERF_CTL: GuestOnly */
	/* L3's, northbridge's counters */
	{0xc0010230, 0xc0010247, ON_SVM, PASS},
	{0xc00102b1, 0xc00102b4, ON_SVM, PASS}, /* CPPC: frequencies */
	{0xc00102f0, 0xc00102f1, ON_SVM, PASS}, /* PPIN: a serial number */
	{0xc0010400, 0xc001043f, ON_SVM, PASS}, /* MCA_CTL_MASK */
	/* memory controllers' counters */
	{0xc0010800, 0xc00108ff, ON_SVM, PASS},
	/* masks of breakpoints 1 to 3 */
	{0xc0011019, 0xc001101b, ON_SVM, PASS},
	/* LS_CFG: SSBD; errata 793, 1033, 1095 */
	{0xc0011020, 0xc0011020, ON_SVM,
	 BITS(BIT(4) | BIT(10) | BIT(15) | BIT(33) | BIT(54) | BIT(57))},
	{0xc0011021, 0xc0011021, ON_SVM, BITS(0x1e)}, /* IC_CFG: way filter */
	{0xc0011027, 0xc0011027, ON_SVM, PASS},       /* mask of breakpoint 0 */
	/* FP_CFG: erratum 1049; a leak of divisions */
	{0xc0011028, 0xc0011028, ON_SVM, BITS(BIT(4) | BIT(9))},
	{0xc0011029, 0xc0011029, ON_SVM, PASS}, /* DE_CFG: LFENCE, Zenbleed */
	{0xc001102a, 0xc001102a, ON_SVM, BITS(BIT(24))}, /* BU_CFG2: WC+ */
	/* BP_CFG: mitigations of SRSO and of a shared predictor */
	{0xc001102e, 0xc001102e, ON_SVM, BITS(BIT(4) | BIT(5))},
	{0xc0011030, 0xc001103f, ON_SVM, ABSENT}, /* IBS: runs on */
	/* mitigation of Retbleed */
	{0xc00110e3, 0xc00110e3, ON_SVM, BITS(BIT(1))},
};

const struct msr_rule *msr_rule_get(uint i)
{
	return i < ARRAY_SIZE(rules) ? &rules[i] : NULL;
}

const struct msr_rule *msr_rule_find(u32 msr, u32 id)
{
	uint low = 0, high = ARRAY_SIZE(rules);

	if ((msr >= MSR_LOW_END && msr < MSR_HIGH) || msr >= MSR_HIGH_END)
		return NULL;

	while (low < high) {
		uint middle = (low + high) / 2;

		if (rules[middle].last < msr)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < ARRAY_SIZE(rules) && rules[low].first <= msr; low++)
		if (rules[low].on & BIT(id))
			return &rules[low];
	return NULL;
}

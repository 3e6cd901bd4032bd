/*
 * The MSRs that operating systems write, and what becomes of it: those that
 * Linux 6.1 (arch/x86, drivers; by name from msr-index.h) and FreeBSD 14
 * (sys/x86, sys/amd64, sys/dev/hwpmc) write on a CPU that Vellum runs on, or
 * may. First of a range, last, who (L, F), the verdict on Intel's CPUs, AMD's:
 *
 *	p passes   b some bits count   v virtual   a absent   k kept, else #GP
 *
 * k where the system writes it on no such CPU, or bears a #GP (wrmsrl_safe), or
 * shall not: those have a word behind them.
 */
#ifndef VMM_TEST_OS_MSRS_H
#define VMM_TEST_OS_MSRS_H

#include "lib/types.h"

static const struct os_msr {
	u32 first, last;
	const char *who;
	char intel, amd;
} os_msrs[] = {
	{0x10, 0x10, "LF", 'p', 'p'},   /* TSC */
	{0x1b, 0x1b, "LF", 'v', 'v'},   /* APIC_BASE */
	{0x33, 0x33, "L", 'b', 'k'},    /* TEST_CTRL */
	{0x3a, 0x3a, "LF", 'v', 'k'},   /* FEAT_CTL */
	{0x3b, 0x3b, "L", 'p', 'p'},    /* TSC_ADJUST */
	{0x40, 0x47, "L", 'p', 'k'},    /* LBR_CORE_FROM */
	{0x48, 0x49, "LF", 'p', 'p'},   /* SPEC_CTRL, PRED_CMD */
	{0x4e, 0x4e, "L", 'p', 'k'},    /* PPIN_CTL */
	{0x60, 0x67, "L", 'p', 'k'},    /* LBR_CORE_TO */
	{0x79, 0x79, "LF", 'v', 'k'},   /* UCODE_WRITE */
	{0x8b, 0x8b, "LF", 'p', 'k'},   /* UCODE_REV */
	{0x8c, 0x8f, "L", 'k', 'k'},    /* SGXLEPUBKEYHASH: SGX is hidden */
	{0xb0, 0xb1, "L", 'p', 'k'},    /* OS_MAILBOX */
	{0xc1, 0xc8, "LF", 'p', 'k'},   /* PERFCTR */
	{0xe1, 0xe2, "LF", 'p', 'k'},   /* UMWAIT_CONTROL, PKG_CST_CONFIG */
	{0xe7, 0xe8, "F", 'p', 'p'},    /* MPERF, APERF */
	{0x10b, 0x10b, "LF", 'p', 'p'}, /* FLUSH_CMD */
	{0x10f, 0x10f, "L", 'p', 'k'},  /* TSX_FORCE_ABORT */
	{0x119, 0x119, "L", 'k', 'k'},  /* BBL_CR_CTL: Pentium III */
	{0x122, 0x123, "LF", 'p', 'k'}, /* TSX_CTRL, MCU_OPT_CTRL */
	{0x140, 0x140, "L", 'p', 'k'},  /* MISC_FEATURES_ENABLES */
	{0x150, 0x150, "L", 'k', 'k'},  /* OC_MAILBOX: voltage; safe */
	{0x174, 0x176, "LF", 'p', 'p'}, /* SYSENTER */
	{0x17a, 0x17b, "LF", 'p', 'p'}, /* MCG_STATUS, MCG_CTL */
	{0x17f, 0x17f, "L", 'p', 'k'},  /* ERROR_CONTROL */
	{0x186, 0x18d, "LF", 'p', 'k'}, /* EVENTSEL */
	{0x199, 0x19b, "LF", 'p',
	 'k'}, /* PERF_CTL, THERM_CONTROL, -INTERRUPT */
	{0x19c, 0x19c, "LF", 'p', 'k'}, /* THERM_STATUS */
	{0x1a0, 0x1a0, "LF", 'v', 'k'}, /* MISC_ENABLE */
	{0x1a2, 0x1a2, "L", 'p', 'k'},  /* TEMPERATURE_TARGET */
	{0x1a4, 0x1a4, "LF", 'p', 'k'}, /* MISC_FEATURE_CONTROL */
	{0x1a6, 0x1a7, "LF", 'p', 'k'}, /* OFFCORE_RSP */
	{0x1ac, 0x1ad, "L", 'p', 'k'},  /* TURBO_POWER_CURRENT_LIMIT, ratios */
	{0x1b0, 0x1b2, "LF", 'p', 'k'}, /* ENERGY_PERF_BIAS, PACKAGE_THERM */
	{0x1c4, 0x1c5, "L", 'p', 'k'},  /* XFD, XFD_ERR */
	{0x1c8, 0x1c9, "L", 'p', 'k'},  /* LBR_SELECT, LBR_TOS */
	{0x1d9, 0x1d9, "LF", 'v', 'b'}, /* DEBUGCTL */
	{0x1fc, 0x1fc, "L", 'p', 'k'},  /* POWER_CTL */
	{0x200, 0x23f, "LF", 'v', 'v'}, /* MTRRphysBase, -Mask */
	{0x250, 0x250, "LF", 'v', 'v'}, /* MTRRfix64K */
	{0x258, 0x259, "LF", 'v', 'v'}, /* MTRRfix16K */
	{0x268, 0x26f, "LF", 'v', 'v'}, /* MTRRfix4K */
	{0x277, 0x277, "LF", 'p', 'p'}, /* PAT */
	{0x280, 0x29f, "LF", 'p', 'k'}, /* MCx_CTL2 */
	{0x2c2, 0x2c6, "L", 'k', 'k'},  /* in-field scan */
	{0x2ff, 0x2ff, "LF", 'v', 'v'}, /* MTRRdefType */
	{0x309, 0x30c, "LF", 'p', 'k'}, /* FIXED_CTR */
	{0x329, 0x329, "L", 'p', 'k'},  /* PERF_METRICS */
	{0x38d, 0x38d, "LF", 'p', 'k'}, /* FIXED_CTR_CTRL */
	{0x38f, 0x390, "LF", 'p', 'k'}, /* GLOBAL_CTRL, GLOBAL_OVF_CTRL */
	{0x391, 0x394, "LF", 'p', 'k'}, /* uncore */
	{0x3f1, 0x3f2, "LF", 'a', 'k'}, /* PEBS: hidden */
	{0x3f6, 0x3f7, "L", 'p', 'k'},  /* PEBS_LD_LAT, PEBS_FRONTEND */
	{0x400, 0x47f, "LF", 'p', 'p'}, /* MCx */
	{0x4c1, 0x4c8, "L", 'p', 'k'},  /* PMC0 in full width */
	{0x4d0, 0x4d0, "LF", 'p', 'k'}, /* MCG_EXT_CTL */
	{0x560, 0x587, "LF", 'a', 'k'}, /* RTIT: hidden */
	{0x600, 0x600, "L", 'a', 'k'},  /* DS_AREA: hidden */
	{0x610, 0x610, "L", 'p', 'k'},  /* PKG_POWER_LIMIT */
	{0x618, 0x618, "L", 'p', 'k'},  /* DRAM_POWER_LIMIT */
	{0x620, 0x620, "L", 'p', 'k'},  /* UNCORE_RATIO_LIMIT */
	{0x638, 0x63a, "L", 'p', 'k'},  /* PP0 */
	{0x640, 0x642, "L", 'p', 'k'},  /* PP1 */
	{0x64b, 0x64c, "L", 'p', 'k'},  /* CONFIG_TDP_CONTROL */
	{0x65c, 0x65c, "L", 'p', 'k'},  /* PLATFORM_POWER_LIMIT */
	{0x668, 0x669, "L", 'p', 'k'},  /* DEMOTION_POLICY_CONFIG */
	{0x680, 0x69f, "L", 'p', 'k'},  /* LBR_NHM_FROM */
	{0x6a0, 0x6a8, "LF", 'k', 'k'}, /* CET: hidden */
	{0x6c0, 0x6df, "L", 'p', 'k'},  /* LBR_NHM_TO */
	{0x6e0, 0x6e0, "LF", 'p', 'p'}, /* TSC_DEADLINE */
	{0x6e1, 0x6e1, "L", 'k', 'k'},  /* PKRS: hidden */
	{0x700, 0x73f, "L", 'p', 'k'},  /* uncore */
	{0x770, 0x774, "LF", 'p', 'k'}, /* HWP */
	{0x777, 0x777, "L", 'p', 'k'},  /* HWP_STATUS */
	{0x802, 0x83f, "LF", 'p', 'p'}, /* x2APIC; ICR has a handler */
	{0xc81, 0xc82, "L", 'p', 'p'},  /* L3_QOS_CFG, L2_QOS_CFG */
	{0xc8d, 0xc8d, "L", 'p', 'p'},  /* QM_EVTSEL */
	{0xc8f, 0xc8f, "L", 'p', 'p'},  /* PQR_ASSOC */
	{0xc90, 0xd8f, "L", 'p', 'p'},  /* cache masks */
	{0xd93, 0xd93, "L", 'k', 'k'},  /* PASID: hidden */
	{0xda0, 0xda0, "LF", 'v', 'v'}, /* XSS */
	{0xdc0, 0xddf, "L", 'p', 'k'},  /* LBR_INFO */
	{0xe01, 0xe40, "L", 'p', 'k'},  /* uncore */
	{0x1107, 0x1107, "LF", 'b', 'k'},         /* VIA_FCR */
	{0x110b, 0x110b, "LF", 'b', 'k'},         /* VIA_RNG */
	{0x1200, 0x121f, "L", 'a', 'k'},          /* ARCH_LBR_INFO: hidden */
	{0x1257, 0x1257, "L", 'b', 'k'},          /* ZHAOXIN_FCR57 */
	{0x14ce, 0x14cf, "L", 'a', 'k'},          /* ARCH_LBR_CTL: hidden */
	{0x17d0, 0x17d1, "L", 'a', 'k'},          /* HW_FEEDBACK: hidden */
	{0x4b564d00, 0x4b564d08, "LF", 'k', 'k'}, /* KVM: physical addresses */
	{0x40000000, 0x400000f1, "LF", 'k', 'k'}, /* Hyper-V: as KVM */
	{0xc0000080, 0xc0000080, "LF", 'p', 'v'}, /* EFER */
	{0xc0000081, 0xc0000084, "LF", 'p', 'p'}, /* STAR to SYSCALL_MASK */
	{0xc0000100, 0xc0000103, "LF", 'p', 'p'}, /* FS_BASE to TSC_AUX */
	{0xc0000104, 0xc0000104, "L", 'k', 'k'},  /* TSC_RATIO: SVM is hidden */
	{0xc000010e, 0xc000010f, "L", 'k', 'k'},  /* LBRs: hidden */
	{0xc0000200, 0xc000020f, "L", 'k', 'p'},  /* MBA_BW */
	{0xc0000300, 0xc0000302, "LF", 'k', 'p'}, /* PERF_CNTR_GLOBAL */
	{0xc0000400, 0xc0000400, "L", 'k', 'p'},  /* EVT_CFG_BASE */
	{0xc0000408, 0xc0000410, "LF", 'k', 'p'}, /* MC4_MISC, CU_DEF_ERR */
	{0xc0002000, 0xc0002fff, "LF", 'k', 'p'}, /* SMCA banks */
	{0xc0010000, 0xc0010003, "LF", 'k', 'v'}, /* K7_EVNTSEL */
	{0xc0010004, 0xc0010007, "LF", 'k', 'p'}, /* K7_PERFCTR */
	{0xc0010010, 0xc0010010, "L", 'k', 'k'},  /* SYSCFG; safe */
	{0xc0010015, 0xc0010015, "L", 'k', 'b'},  /* HWCR */
	{0xc001001f, 0xc001001f, "L", 'k', 'b'},  /* NB_CFG */
	{0xc0010020, 0xc0010020, "LF", 'k', 'v'}, /* PATCH_LOADER */
	{0xc0010041, 0xc0010041, "L", 'k', 'k'},  /* FIDVID_CTL: K8 */
	{0xc0010044, 0xc001004b, "LF", 'k', 'p'}, /* MCx_MASK */
	{0xc0010055, 0xc0010055, "F", 'k', 'b'},  /* INT_PENDING */
	{0xc0010058, 0xc0010058, "L", 'k', 'k'},  /* MMIO_CONF_BASE */
	{0xc0010062, 0xc0010062, "LF", 'k', 'p'}, /* PERF_CTL */
	{0xc0010117, 0xc0010117, "L", 'k', 'a'},  /* VM_HSAVE_PA: hidden */
	{0xc001011b, 0xc001011b, "L", 'k', 'k'},  /* AVIC: hidden */
	{0xc001011e, 0xc001011e, "L", 'k', 'k'},  /* SEV: hidden */
	{0xc001011f, 0xc001011f, "L", 'k', 'p'},  /* VIRT_SPEC_CTRL */
	{0xc0010130, 0xc0010130, "L", 'k', 'k'},  /* SEV_ES_GHCB */
	{0xc0010200, 0xc001020b, "LF", 'k', 'v'}, /* F15H_PERF */
	{0xc0010230, 0xc0010247, "L", 'k', 'p'},  /* L3, NB */
	{0xc00102b1, 0xc00102b3, "L", 'k', 'p'},  /* CPPC */
	{0xc00102f0, 0xc00102f0, "L", 'k', 'p'},  /* PPIN_CTL */
	{0xc0010300, 0xc001031f, "L", 'k', 'k'},  /* LBRs: hidden */
	{0xc0011004, 0xc0011005, "L", 'k', 'k'},  /* CPUID_FN; safe */
	{0xc0011019, 0xc001101b, "L", 'k', 'p'},  /* DR1 to DR3_ADDR_MASK */
	{0xc0011020, 0xc0011020, "LF", 'k', 'b'}, /* LS_CFG */
	{0xc0011021, 0xc0011021, "L", 'k', 'b'},  /* IC_CFG */
	{0xc0011022, 0xc0011022, "L", 'k', 'k'},  /* DC_CFG: KVM's guests */
	{0xc0011027, 0xc0011027, "L", 'k', 'p'},  /* DR0_ADDR_MASK */
	{0xc0011028, 0xc0011028, "LF", 'k', 'b'}, /* FP_CFG */
	{0xc0011029, 0xc0011029, "LF", 'k', 'p'}, /* DE_CFG */
	{0xc001102a, 0xc001102a, "LF", 'k', 'b'}, /* BU_CFG2 */
	{0xc001102e, 0xc001102e, "L", 'k', 'b'},  /* ZEN4_BP_CFG */
	{0xc0011030, 0xc001103a, "LF", 'k', 'a'}, /* IBS: hidden */
	{0xc00110e3, 0xc00110e3, "L", 'k', 'b'},  /* SPECTRAL_CHICKEN */
};

#endif

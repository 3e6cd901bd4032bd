FUZZ_TARGETS += dmar-fuzz ivrs-fuzz
dmar-fuzz.sources := iommu/test/dmar_fuzz.c iommu/dmar.c
ivrs-fuzz.sources := iommu/test/ivrs_fuzz.c iommu/ivrs.c

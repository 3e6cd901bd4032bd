HOST_TESTS += iommu-tables
iommu-tables.sources := iommu/test/table_test.c iommu/dmar.c iommu/ivrs.c

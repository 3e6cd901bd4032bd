HOST_TESTS += iommu-tables
iommu-tables.sources := iommu/test/table_test.c iommu/dmar.c iommu/ivrs.c

HOST_TESTS += iommu-map
iommu-map.sources := iommu/test/dma_map_test.c iommu/test/memory.c \
	iommu/dma_map.c

# They include what they test; the unit is a model.
HOST_TESTS += iommu-vtd
iommu-vtd.sources := iommu/test/vtd_test.c iommu/test/vtd_unit.c \
	iommu/test/memory.c iommu/dma_map.c

HOST_TESTS += iommu-vtd-tells
iommu-vtd-tells.sources := iommu/test/vtd_tells_test.c \
	iommu/test/vtd_unit.c iommu/test/memory.c iommu/vtd.c iommu/dma_map.c

HOST_TESTS += iommu-amdvi
iommu-amdvi.sources := iommu/test/amdvi_test.c iommu/test/amdvi_unit.c \
	iommu/test/memory.c iommu/dma_map.c

HOST_TESTS += iommu-iommu
iommu-iommu.sources := iommu/test/iommu_test.c iommu/test/machine.c \
	iommu/test/memory.c iommu/dma_map.c iommu/dmar.c iommu/ivrs.c \
	iommu/rename.c iommu/stray.c

"""The stages' names by what they add, so that tests need not spell them."""
from tree import added

BOOT, PAGING, PAGE, HEAP, VMM, SMP = map(
    added().get, ('boot', 'paging', 'page', 'heap', 'vmm', 'smp'))

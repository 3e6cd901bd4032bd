/*
 * What each CPU knows of itself first (lib/percpu.h).
 */
#include "lib/percpu.h"

PERCPU(u64, self_offset);
PERCPU(u32, cpu_number);

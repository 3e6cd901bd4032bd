#include "vmx/vmcs.h"

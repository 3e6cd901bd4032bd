/*
 * A CPU that has all that Vellum needs, for tests to take things away from.
 */
#ifndef VMX_TEST_GOOD_CAPS_H
#define VMX_TEST_GOOD_CAPS_H

#include "vmx/caps.h"

struct vmx_caps good_caps(void);

#endif

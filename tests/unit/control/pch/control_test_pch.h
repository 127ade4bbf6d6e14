// SPDX-License-Identifier: Apache-2.0
// Precompiled: what most test files of this room include.

#include "control/pch/control_pch.h"
#include "tests/pch/gtest_pch.h"

// SPDX-License-Identifier: Apache-2.0
// Precompiled: what most test files of this room include. Each file still includes what it uses.

#include "tests/packet/packet_bed.h"
#include "tests/packet/running_balancer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <rte_ring.h>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

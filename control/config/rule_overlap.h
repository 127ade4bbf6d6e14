// SPDX-License-Identifier: Apache-2.0
// Whether a call can match two rules, as far as their conditions tell without running a pattern.
#pragma once

#include "dataplane/rules.h"

namespace linehunt::config {

// True: no call matches both. They ask for texts that begin differently ("^49", "^44"), for sources
// in different networks, or for an offer with codecs and without them. False: one may, or it is not
// seen here.
[[nodiscard]] bool exclude_each_other(const rule_model& a, const rule_model& b);

} // namespace linehunt::config

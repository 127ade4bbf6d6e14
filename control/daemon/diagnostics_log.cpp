// SPDX-License-Identifier: Apache-2.0
// See diagnostics_log.h.
#include "control/daemon/diagnostics_log.h"

#include <spdlog/spdlog.h>

namespace linehunt {
namespace {

spdlog::level::level_enum level_of(config::severity weight) noexcept {
  switch (weight) {
  case config::severity::note:
    return spdlog::level::info;
  case config::severity::warning:
    return spdlog::level::warn;
  case config::severity::error:
    break;
  }
  return spdlog::level::err;
}

} // namespace

void log_diagnostics(const config::diagnostics& said) {
  for (const config::diagnostic& d : said.sorted())
    spdlog::log(level_of(d.weight), "{}", said.line_of(d));
}

} // namespace linehunt

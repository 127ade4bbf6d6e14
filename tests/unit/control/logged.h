// SPDX-License-Identifier: Apache-2.0
// What the default logger is told meanwhile.
#pragma once

#include <memory>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sstream>
#include <utility>

namespace linehunt::test {

// As long as it lives; each line begins with its level.
class logged {
 public:
  logged() {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(text);
    sink->set_pattern("%l %v");
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", std::move(sink)));
  }
  ~logged() { spdlog::set_default_logger(usual_); }
  std::ostringstream text;

 private:
  std::shared_ptr<spdlog::logger> usual_ = spdlog::default_logger();
};

} // namespace linehunt::test

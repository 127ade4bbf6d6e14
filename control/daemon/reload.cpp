// SPDX-License-Identifier: Apache-2.0
// See reload.h.
#include "control/daemon/reload.h"

#include "control/config/load_file.h"
#include "control/config/unchangeable.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace linehunt {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines)
    all += (all.empty() ? "" : "\n") + line;
  return all;
}

} // namespace

std::vector<mail> corrections(const operator_state& before, const snapshot& world) {
  std::vector<mail> all;
  mail m;
  m.from = max_workers;
  for (const destination& d : world.destinations) {
    if (!before.knows(d.id)) continue;
    if (before.status(d.id).enabled != d.enabled) {
      m.kind = mail_kind::set_enabled;
      m.subject = d.index;
      m.value = d.enabled ? 1 : 0;
      all.push_back(m);
    }
    for (const resource& r : d.resources) {
      if (before.capacity(d.id, world.resource_names[r.name]) == r.capacity) continue;
      m.kind = mail_kind::resize;
      m.slot = r.slot;
      m.value = r.capacity;
      all.push_back(m);
    }
  }
  return all;
}

tl::expected<void, std::string> reloader::reload() {
  config::diagnostics out(file_);
  auto next = config::load_file(check_, out);
  if (next) config::refuse_unchangeable(running_, *next, out);
  if (!next || out.failed()) return tl::unexpected(joined(out.lines()));
  const operator_state before = source_.changes();
  auto world = source_.build(*next, out);
  if (!world) return tl::unexpected(joined(out.lines()));
  const auto mails = corrections(before, *world);
  runtime_.publish(std::move(world));
  for (const mail& m : mails)
    tell_all_(m);
  spdlog::set_level(spdlog::level::from_str(next->log_level));
  running_ = std::move(*next);
  return {};
}

} // namespace linehunt

// SPDX-License-Identifier: Apache-2.0
// See reload.h.
#include "control/daemon/reload.h"

#include "control/config/destination_rows.h"
#include "control/config/load_file.h"
#include "control/config/unchangeable.h"
#include "control/daemon/changed_rows.h"
#include "control/daemon/diagnostics_log.h"

#include <algorithm>
#include <exception>
#include <fmt/format.h>
#include <optional>
#include <span>
#include <spdlog/spdlog.h>
#include <unordered_set>
#include <utility>

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

void reloader::reload(reporting done) {
  ask({true, std::move(done)});
}

void reloader::reread_rows(reporting done) {
  ask({false, std::move(done)});
}

void reloader::ask(request r) {
  waiting_.push_back(std::move(r));
  if (!under_way_) begin();
}

void reloader::begin() {
  under_way_ = true;
  asked_ = std::exchange(waiting_, {});
  if (std::ranges::any_of(asked_, &request::file)) return read_file();
  go_on(file_says_);
}

void reloader::go_on(tl::expected<config::configuration, std::string> next) {
  if (!next) return finish(tl::unexpected(next.error()));
  if (next->database.url.empty()) return finish(take_file(*next, *next));
  const database::settings where = next->database;
  rows_.read(where, [this, next = std::move(*next)](const database::rows& rows) mutable {
    finish(rows ? take_rows(next, *rows) : tl::unexpected(rows.error()));
  });
}

void reloader::finish(const outcome& how) {
  under_way_ = false;
  const auto asked = std::exchange(asked_, {});
  // An operator may have set another one since the file was read.
  if (how && std::ranges::any_of(asked, &request::file))
    spdlog::set_level(spdlog::level::from_str(file_says_.log_level));
  for (const request& r : asked)
    r.done(how);
  if (!under_way_ && !waiting_.empty()) begin();
}

void reloader::read_file() {
  // Without what belongs to the loop. The patterns of what runs need not be compiled again.
  const auto read = [file = file_, check = check_, known = running_.patterns] {
    auto out = std::make_shared<config::diagnostics>(file);
    auto next = std::make_shared<std::optional<config::configuration>>();
    try {
      *next = config::load_file(check, *out, known);
    } catch (const std::exception& e) {
      out->error({}, fmt::format("cannot be read: {}", e.what()));
    }
    return std::pair(std::move(out), std::move(next));
  };
  const auto take = [this](config::diagnostics& out, std::optional<config::configuration>& next) {
    if (next) config::refuse_unchangeable(running_, *next, out);
    if (!next || out.failed()) return go_on(tl::unexpected(joined(out.lines())));
    log_diagnostics(out);
    go_on(std::move(*next));
  };
  if (!read_aside_) {
    const auto [out, next] = read();
    return take(*out, *next);
  }
  read_aside_(
      [read, take]() -> std::function<void()> {
        const auto [out, next] = read();
        return [out = out, next = next, take] { take(*out, *next); };
      },
      [this] {
        go_on(
            tl::unexpected(fmt::format("{}: cannot be read within {} s, since its disk hangs or a "
                                       "read before this one does; see to the disk that it lies "
                                       "on, and reload again",
                                       file_, reading_limit.count())));
      });
}

// A table that was emptied by mistake, or is not filled yet, looks like one that is meant to be
// empty. Whoever means it says so in a way that nobody takes by accident.
std::string reloader::fault_of_no_rows(const config::configuration& file_says) const {
  const database::settings& from = file_says.database;
  const std::size_t in_force = running_.destinations.size() - file_says_.destinations.size();
  if (in_force != 0)
    return fmt::format(
        "table {} of the database has no rows, while {} destinations of it are in force; nothing "
        "was changed. Put its rows back and reload. If it is meant to be empty, {}restart "
        "linehunt; or, without a restart, take [database] out of the file and reload",
        from.table, in_force,
        from.copy.empty() ? std::string{} : fmt::format("remove {} and ", from.copy));
  // Rows of a copy that is not in force, since something in it is wrong.
  const auto kept = rows_are_read_ ? database::kept_rows{} : rows_.kept(from);
  if (!kept && kept.error().why != database::no_copy::reason::absent)
    return fmt::format(
        "table {} of the database has no rows, and whether it had some is not known: {}. Nothing "
        "was changed. Put its rows there and reload. If it is meant to be empty, remove {} and "
        "reload",
        from.table, kept.error().message, from.copy);
  if (!kept || kept->empty()) return {};
  return fmt::format(
      "table {} of the database has no rows, while its copy {} has {}; nothing was changed. Put "
      "its rows back and reload. If it is meant to be empty, remove {} and reload",
      from.table, from.copy, kept->size(), from.copy);
}

bool reloader::loses_some(const config::configuration& next) const {
  std::unordered_set<std::uint32_t> ids;
  for (const config::destination_entry& d : next.destinations)
    ids.insert(d.model.id);
  const auto rows = std::span(running_.destinations).subspan(file_says_.destinations.size());
  return std::ranges::any_of(
      rows, [&](const config::destination_entry& d) { return !ids.contains(d.model.id); });
}

reloader::outcome reloader::take_rows(const config::configuration& file_says,
                                      const std::vector<database::row>& rows) {
  if (rows.empty())
    if (std::string fault = fault_of_no_rows(file_says); !fault.empty())
      return tl::unexpected(std::move(fault));
  config::configuration next;
  config::diagnostics out(file_);
  std::vector<database::row> good;
  const auto add = [&](config::wrong_rows what) {
    next = file_says;
    out = config::diagnostics(file_);
    good = config::add_rows(rows, next, out, what);
  };
  // At a start one wrong row is no reason to go without the rest, but where the copy has one of
  // them as it was when it was right.
  add(rows_are_read_ ? config::wrong_rows::refuse : config::wrong_rows::leave_out);
  if (!rows_are_read_ && good.size() != rows.size() && loses_some(next))
    add(config::wrong_rows::refuse);
  if (out.failed()) return tl::unexpected(joined(out.lines()));
  log_diagnostics(out);
  const std::string changed = changed_ids(running_, next);
  outcome done = take_file(file_says, std::move(next));
  if (!done) return done;
  if (!changed.empty()) spdlog::info("{}", changed);
  rows_are_read_ = true;
  // What is served now is what the next start has to begin with: calls hold lines of it.
  if (rows.empty() || !good.empty()) rows_.keep(running_.database, std::move(good));
  return done;
}

reloader::outcome reloader::take_file(const config::configuration& file_says,
                                      config::configuration next) {
  outcome done = publish(std::move(next));
  if (!done) return done;
  file_says_ = file_says;
  return done;
}

reloader::outcome reloader::republish() {
  return publish(running_);
}

reloader::outcome reloader::publish(config::configuration next) {
  config::diagnostics out(file_);
  const operator_state before = source_.changes();
  auto world = source_.build(next, out);
  if (!world) return tl::unexpected(joined(out.lines()));
  const auto mails = corrections(before, *world);
  publish_(std::move(world));
  for (const mail& m : mails)
    tell_all_(m);
  running_ = std::move(next);
  for (const auto& call : on_published_)
    call(running_);
  for (const mail& m : mails)
    if (m.kind == mail_kind::set_enabled && on_status_set_back_)
      on_status_set_back_(static_cast<destination_index>(m.subject), m.value != 0);
  return {};
}

} // namespace linehunt

// SPDX-License-Identifier: Apache-2.0
// See kept_copy.h.
#include "control/database/kept_copy.h"

#include "control/database/url.h"
#include "control/state/file_replacement.h"
#include "control/state/state_file.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace linehunt::database {
namespace {

using nlohmann::json;

constexpr int copy_version = 1;

// No password, so that the copy may be shown.
std::string name_of(const settings& from) {
  const auto where = parse_url(from.url, from.timeout_s);
  return (where ? where->shown : std::string{"?"}) + " " + from.table;
}

// Whoever reads it, it is the same database.
std::string without_user(std::string name) {
  const std::size_t scheme = name.find("://");
  if (scheme == std::string::npos) return name;
  const std::size_t host = scheme + 3, at = name.find('@', host);
  if (at < name.find('/', host)) name.erase(host, at + 1 - host);
  return name;
}

json written(const row& r) {
  return {{"id", r.id},
          {"group_id", r.group},
          {"dst_uri", r.uri},
          {"resources", r.resources},
          {"probe_mode", r.probe_mode},
          {"attrs", r.attrs},
          {"description", r.description}};
}

// A whole number that the table may hold, too. The library would convert a fraction of any size.
std::optional<std::uint32_t> number(const json& item, number_range valid) {
  const auto& wide = item.get_ref<const json::number_unsigned_t&>();
  if (!valid.holds(wide)) return std::nullopt;
  return static_cast<std::uint32_t>(wide);
}

// Nothing: a number that no row has. Throws json::exception where something is of another kind.
std::optional<row> read(const json& j) {
  const auto id = number(j.at("id"), valid_ids), group = number(j.at("group_id"), valid_groups),
             probe_mode = number(j.at("probe_mode"), valid_probe_modes);
  if (!id || !group || !probe_mode) return std::nullopt;
  row r;
  r.id = *id;
  r.group = *group;
  r.probe_mode = static_cast<std::uint8_t>(*probe_mode);
  j.at("dst_uri").get_to(r.uri);
  j.at("resources").get_to(r.resources);
  j.at("attrs").get_to(r.attrs);
  j.at("description").get_to(r.description);
  return r;
}

} // namespace

std::string keep_copy(const settings& from, const std::vector<row>& good) {
  if (from.copy.empty()) return {};
  json all = {{"linehunt_copy", copy_version}, {"of", name_of(from)}, {"rows", json::array()}};
  for (const row& r : good)
    all["rows"].push_back(written(r));
  // Resources may hold the passwords of event sockets.
  const std::string wrong =
      replace_file(from.copy, all.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
  if (wrong.empty()) return {};
  return fmt::format("copy {} cannot be written: {}; name another file in [database] copy",
                     from.copy, wrong);
}

kept_rows kept_copy(const settings& from, ::uid_t user) {
  using enum no_copy::reason;
  if (from.copy.empty())
    return tl::unexpected(no_copy{absent, "no copy is kept; name a file in [database] copy"});
  // With the checks of the files of state: it says where calls go.
  const auto file = open_state_file(from.copy, user);
  if (!file) return tl::unexpected(no_copy{unusable, "copy " + file.error()});
  if (!*file)
    return tl::unexpected(no_copy{
        absent, fmt::format("copy {} cannot be read: {}", from.copy, std::strerror(ENOENT))});
  const no_copy damaged{unusable, fmt::format("copy {} is damaged and is ignored", from.copy)};
  const json all = json::parse(file->get(), nullptr, false);
  try {
    const json& wrote = all.at("linehunt_copy");
    if (wrote != copy_version)
      return tl::unexpected(
          no_copy{unusable, "copy " + unknown_version(from.copy, wrote, copy_version)});
    const auto of = all.at("of").get<std::string>();
    if (without_user(of) != without_user(name_of(from)))
      return tl::unexpected(
          no_copy{of_another_database,
                  fmt::format("copy {} is of another database ({}); after a change of url reload, "
                              "and restart only then",
                              from.copy, of)});
    std::vector<row> kept;
    for (const json& one : all.at("rows")) {
      auto r = read(one);
      if (!r) return tl::unexpected(damaged);
      kept.push_back(std::move(*r));
    }
    return kept;
  } catch (const json::exception&) {
    return tl::unexpected(damaged);
  }
}

} // namespace linehunt::database

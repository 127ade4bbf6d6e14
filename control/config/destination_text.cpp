// SPDX-License-Identifier: Apache-2.0
// See destination_text.h.
#include "control/config/destination_text.h"

#include "control/config/sip_target.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace linehunt::config {
namespace {

constexpr std::size_t max_uri_bytes = 255; // the table of OpenSIPS has room for 128

} // namespace

std::vector<std::string> take_uri(std::string_view uri, destination_model& model) {
  if (uri.size() > max_uri_bytes)
    return {fmt::format("a URI of {} bytes; write one of at most {}", uri.size(), max_uri_bytes)};
  const auto address = sip_target(uri);
  if (!address) return {address.error()};
  model.uri = uri;
  model.addresses = *address; // none for a name, until it is looked up
  return {};
}

std::vector<std::string> take_resources(std::string_view text, destination_model& model) {
  std::vector<std::string> faults;
  model.resources = parse_resources(text, faults);
  return faults;
}

std::string as_utf8(std::string_view text) {
  using nlohmann::json;
  return json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace))
      .get<std::string>();
}

} // namespace linehunt::config

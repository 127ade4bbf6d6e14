// SPDX-License-Identifier: Apache-2.0
// [probing]: how destinations are asked whether they are there.
#include "control/config/method_name.h"
#include "control/config/sections.h"
#include "sipparse/uri.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace linehunt::config {
namespace {

constexpr std::size_t max_from_bytes = 200; // what the engine has room for in one header

// RFC 3261 25.1: token.
bool is_method(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view{"-.!%*_+`'~"}.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

void check_method(table_reader& section, const std::string& method, diagnostics& out) {
  if (!is_method(method))
    section.error("method", fmt::format("method '{}' is no SIP method; write OPTIONS", method));
  else if (method == "INVITE" || method == "ACK" || method == "CANCEL" || method == "BYE")
    section.error("method", fmt::format("method {} belongs to calls and makes no probe; write "
                                        "OPTIONS",
                                        method));
  else if (const std::string meant = in_upper_case(method); meant != method)
    out.warning(section.at("method"),
                fmt::format("[probing] method '{}' has lower case, and is compared as it is "
                            "written; write {}",
                            method, meant));
}

void check_from(table_reader& section, const std::string& from) {
  const auto uri = sip::parse_uri(from);
  if (!uri || (uri->scheme != sip::uri_scheme::sip && uri->scheme != sip::uri_scheme::sips) ||
      from.size() > max_from_bytes)
    section.error("from", fmt::format("from '{}' is no SIP URI of at most {} bytes; write for "
                                      "example \"sip:prober@localhost\"",
                                      from, max_from_bytes));
}

void check_codes(table_reader& section, const std::vector<unsigned>& codes) {
  for (const unsigned code : codes)
    if (code < 200)
      section.error("reply_codes", fmt::format("reply code {} is no final reply; write codes from "
                                               "200 to 699",
                                               code));
}

} // namespace

void read_probing(table_reader& root, configuration& into, diagnostics& out) {
  const toml::table* table = root.table("probing");
  if (!table) return;
  table_reader section(*table, "[probing]", out);
  probing_settings& probing = into.probing;
  section.read("interval_s", probing.interval_s, 0, 86'400);
  section.read("timeout_ms", probing.timeout_ms, 100, 60'000);
  if (section.read("method", probing.method)) check_method(section, probing.method, out);
  if (section.read("from", probing.from)) check_from(section, probing.from);
  if (section.read("reply_codes", probing.reply_codes, 699))
    check_codes(section, probing.reply_codes);
  section.read("failures_to_disable", probing.failures_to_disable, 1, 1000);
  section.read("successes_to_enable", probing.successes_to_enable, 1, 1000);
  section.finish();
}

} // namespace linehunt::config

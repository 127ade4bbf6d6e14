// SPDX-License-Identifier: Apache-2.0
// The text form of a destination's resources. Knows nothing of files and databases; whoever calls
// puts the place before each message.
#include "dataplane/destination_model.h"

#include "dataplane/printable.h"

#include <algorithm>
#include <charconv>

namespace linehunt {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

bool is_name_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// "transc/b" and "transc/s" are how OpenSIPS marks a replicated resource; the name is "transc".
std::string_view without_suffix(std::string_view label) {
  if (label.ends_with("/b") || label.ends_with("/s")) label.remove_suffix(2);
  return label;
}

// An empty text where all is well, otherwise what is wrong.
std::string read_capacity(std::string_view text, std::int32_t& capacity) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const bool number = stop == end && error != std::errc::invalid_argument;
  if (!number)
    return "capacity " + quoted(text) +
           " is not a number; write one of digits alone, and ; before "
           "the next name";
  if (error != std::errc{} || value < 0 || value > INT32_MAX)
    return "capacity " + std::string(text) + " is outside 0..2147483647";
  capacity = static_cast<std::int32_t>(value);
  return {};
}

constexpr std::string_view form = "; write fs://[user]:password@host[:port]";

// A name as DNS has it (RFC 1035 2.3.4), and no mistyped address, which ends in a number.
bool is_host_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty() || host.size() > 253) return false;
  for (;;) {
    const std::string_view label = host.substr(0, host.find('.'));
    if (label.empty() || label.size() > 63 ||
        !std::all_of(label.begin(), label.end(), is_name_char))
      return false;
    if (label.size() == host.size())
      return label.find_first_not_of("0123456789") != std::string_view::npos;
    host.remove_prefix(label.size() + 1);
  }
}

// [user]:password@host[:port], what follows "fs://". Nothing of it is quoted in a message: where it
// is mistyped, the password may stand anywhere.
std::string read_heartbeat(std::string_view text, heartbeat_source& source) {
  // Each would be a command of its own to the event socket, and a line of its own in the log.
  if (has_control_character(text))
    return "a control character, such as the end of a line, in user, password or host" +
           std::string(form);
  const std::size_t at = text.rfind('@'); // a password may hold '@'
  if (at == std::string_view::npos) return "no '@' before the host" + std::string(form);
  const std::string_view login = text.substr(0, at);
  const std::size_t colon = login.find(':');
  if (colon == std::string_view::npos) return "no ':' before the password" + std::string(form);
  source.user = login.substr(0, colon);
  source.password = login.substr(colon + 1);
  if (source.password.empty()) return "the password is empty" + std::string(form);

  std::string_view host = text.substr(at + 1), port;
  bool has_port = false;
  if (host.starts_with('[')) {
    const std::size_t close = host.find(']');
    if (close == std::string_view::npos) return "no ']' after the IPv6 address" + std::string(form);
    const std::string_view rest = host.substr(close + 1);
    if (!rest.empty() && rest.front() != ':')
      return "neither the end nor a port behind the ']'" + std::string(form);
    has_port = !rest.empty();
    port = has_port ? rest.substr(1) : rest;
    host = host.substr(1, close - 1);
    if (const auto ip = parse_ip(host); !ip || !ip->is_v6)
      return "no IPv6 address between '[' and ']'" + std::string(form);
  } else {
    if (const std::size_t mark = host.find(':'); mark != std::string_view::npos) {
      has_port = true;
      port = host.substr(mark + 1);
      host = host.substr(0, mark);
    }
    if (host.empty()) return "the host is empty" + std::string(form);
    if (!parse_ip(host) && !is_host_name(host))
      return "the host is neither a name nor an address, IPv6 in '[' and ']'" + std::string(form);
  }
  source.host = host;
  if (!has_port) return {};
  const char* end = port.data() + port.size();
  const auto [stop, error] = std::from_chars(port.data(), end, source.port);
  if (stop != end || error != std::errc{} || source.port == 0)
    return "the port is no number from 1 to 65535; an IPv6 address stands in '[' and ']'";
  return {};
}

// A password that is mistyped may be in any part of the text, since it may hold ';' and '='.
struct secrecy {
  bool text;   // messages show no text but names that are right
  bool labels; // nor these: something before was wrong, and this may be the rest of it
};

std::string read_resource(std::string_view entry, std::size_t number, secrecy hides,
                          resource_model& out) {
  const auto shown = [&](std::string_view part, bool hidden) {
    return hidden ? "entry " + std::to_string(number) : quoted(part); // the first is 1
  };
  if (entry.empty()) return "an empty entry between two ';'";
  const std::size_t equals = entry.find('=');
  if (equals == std::string_view::npos)
    return shown(entry, hides.text) + " has no capacity; write name=capacity";
  out.label = trimmed(entry.substr(0, equals));
  out.name = without_suffix(out.label);
  const std::string_view value = trimmed(entry.substr(equals + 1));
  if (out.name.empty()) return "no name before '=' in " + shown(entry, hides.text);
  if (!std::all_of(out.name.begin(), out.name.end(), is_name_char))
    return "name " + shown(out.label, hides.text) + " may hold only letters, digits, '_' and '-'";
  const std::string label = shown(out.label, hides.labels);
  if (value.empty()) return label + " has no capacity after '='";

  std::string wrong;
  if (value.starts_with("fs://")) {
    out.capacity = capacity_before_heartbeat;
    wrong = read_heartbeat(value.substr(5), out.heartbeat.emplace());
  } else {
    wrong = read_capacity(value, out.capacity);
    const bool is_number = value.find_first_not_of("+-0123456789") == std::string_view::npos;
    if (!wrong.empty() && hides.text && (hides.labels || !is_number))
      wrong = "the capacity is neither a number from 0 to 2147483647 nor an event socket" +
              std::string(form);
  }
  return wrong.empty() ? wrong : label + ": " + wrong;
}

} // namespace

std::vector<resource_model> parse_resources(std::string_view text,
                                            std::vector<std::string>& errors) {
  std::vector<resource_model> resources;
  std::string_view rest = trimmed(text);
  const bool has_login = rest.find('@') != std::string_view::npos;
  const std::size_t errors_before = errors.size();
  std::size_t number = 0;
  if (rest.empty()) errors.emplace_back("no resource; write name=capacity[;name=capacity]");
  while (!rest.empty()) {
    const std::size_t end = rest.find(';');
    const std::string_view entry = trimmed(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view{} : trimmed(rest.substr(end + 1));
    resource_model one;
    const secrecy hides{has_login, has_login && errors.size() != errors_before};
    if (std::string wrong = read_resource(entry, ++number, hides, one); !wrong.empty()) {
      errors.push_back(std::move(wrong));
      continue;
    }
    const auto same = [&](const resource_model& r) { return r.name == one.name; };
    if (std::any_of(resources.begin(), resources.end(), same)) {
      errors.push_back("resource " +
                       (hides.labels ? "of entry " + std::to_string(number) : quoted(one.name)) +
                       " is given twice");
      continue;
    }
    resources.push_back(std::move(one));
  }
  return resources;
}

} // namespace linehunt

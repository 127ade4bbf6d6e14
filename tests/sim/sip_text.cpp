// SPDX-License-Identifier: Apache-2.0
// Reading and writing the simulated parties' SIP.
#include "sip_text.h"

#include <algorithm>
#include <charconv>
#include <strings.h>

namespace linehunt::sim {

namespace {

constexpr std::string_view reason = " Simulated\r\n";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

bool is(std::string_view name, std::string_view wanted) {
  return name.size() == wanted.size() && strncasecmp(name.data(), wanted.data(), name.size()) == 0;
}

std::uint32_t number(std::string_view text) {
  std::uint32_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

} // namespace

bool read(std::string_view bytes, message& out) {
  out = {};
  out.bytes = bytes;
  std::size_t end = bytes.find("\r\n");
  if (end == std::string_view::npos) return false;
  const std::string_view start = bytes.substr(0, end);
  if (start.starts_with("SIP/2.0 ") && start.size() >= 11) {
    out.status = static_cast<int>(number(start.substr(8, 3)));
    if (out.status < 100) return false;
  } else {
    const std::size_t first = start.find(' ');
    const std::size_t last = start.rfind(' ');
    if (first == std::string_view::npos || last <= first) return false;
    out.method = start.substr(0, first);
    out.uri = start.substr(first + 1, last - first - 1);
  }
  for (;;) {
    const std::size_t begin = end + 2;
    end = bytes.find("\r\n", begin);
    if (end == std::string_view::npos) return false;
    if (end == begin) break;
    const std::string_view line = bytes.substr(begin, end - begin);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = trimmed(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (is(name, "Via"))
      out.vias.add(value);
    else if (is(name, "Record-Route"))
      out.record_routes.add(value);
    else if (is(name, "Route"))
      out.routes.add(value);
    else if (is(name, "From"))
      out.from = value;
    else if (is(name, "To"))
      out.to = value;
    else if (is(name, "Call-ID"))
      out.call_id = value;
    else if (is(name, "Contact"))
      out.contact = value;
    else if (is(name, "Session-Expires"))
      out.session_expires = value;
    else if (is(name, "CSeq")) {
      out.cseq = number(value);
      const std::size_t space = value.find(' ');
      if (space != std::string_view::npos) out.cseq_method = trimmed(value.substr(space));
    }
  }
  return out.vias.count > 0 && !out.call_id.empty() && !out.from.empty() && !out.to.empty();
}

std::string_view parameter(std::string_view value, std::string_view name) {
  std::size_t at = value.find('>');
  at = at == std::string_view::npos ? 0 : at;
  while ((at = value.find(';', at)) != std::string_view::npos) {
    ++at;
    if (value.substr(at).starts_with(name) && at + name.size() < value.size() &&
        value[at + name.size()] == '=') {
      const std::string_view rest = value.substr(at + name.size() + 1);
      return rest.substr(0, rest.find_first_of(";, "));
    }
  }
  return {};
}

std::string_view uri_of(std::string_view value) {
  const std::size_t open = value.find('<');
  if (open == std::string_view::npos) return value.substr(0, value.find(';'));
  const std::size_t close = value.find('>', open);
  return value.substr(open + 1, close == std::string_view::npos ? close : close - open - 1);
}

std::string in_angles(std::string_view uri) {
  std::string out{"<"};
  out += uri;
  return out += '>';
}

dialog_path path_of(std::span<const std::string_view> hops, std::string_view target, bool strict) {
  dialog_path path;
  const bool moved = strict && !hops.empty();
  path.uri = moved ? uri_of(hops.front()) : target;
  const auto add = [&](std::initializer_list<std::string_view> pieces) {
    for (const std::string_view piece : pieces)
      path.routes += piece;
  };
  for (const std::string_view hop : hops.subspan(moved ? 1 : 0))
    add({"Route: ", hop, "\r\n"});
  if (moved) add({"Route: <", target, ">\r\n"});
  return path;
}

bool fits_strict_router(const message& m, std::string_view router, std::string_view target) {
  if (m.uri != router || m.routes.count == 0) return false;
  const std::string_view last = m.routes.at[m.routes.count - 1];
  const std::size_t open = last.rfind('<');
  return open != std::string_view::npos && uri_of(last.substr(open)) == target;
}

bool has_routes(const message& m, std::string_view routes) {
  std::string all;
  for (std::size_t i = 0; i < m.routes.count; ++i) {
    if (i > 0) all += ',';
    for (const char c : m.routes.at[i])
      if (c != ' ') all += c;
  }
  return all == routes;
}

std::string session_line(const message& request) {
  if (request.session_expires.empty()) return {};
  return "Session-Expires: " + std::string(request.session_expires) + "\r\n";
}

std::uint32_t seconds_of(std::string_view session_expires) {
  return number(session_expires);
}

time_us refresh_after(std::uint32_t session_s) {
  return session_s * sec / 16;
}

bool is_of_party(std::string_view response) {
  return response.substr(std::min<std::size_t>(response.size(), 11)).starts_with(reason);
}

std::string respond(const message& request, int status, std::string_view to_tag,
                    std::string_view contact, std::string_view extra) {
  std::string out;
  out.reserve(request.bytes.size() + 64);
  const auto line = [&out](std::string_view name, std::string_view value) {
    out += name;
    out += value;
    out += "\r\n";
  };
  out += "SIP/2.0 ";
  out += std::to_string(status);
  out += reason;
  for (std::size_t i = 0; i < request.vias.count; ++i)
    line("Via: ", request.vias.at[i]);
  out += extra;
  for (std::size_t i = 0; i < request.record_routes.count; ++i)
    line("Record-Route: ", request.record_routes.at[i]);
  line("From: ", request.from);
  out += "To: ";
  out += request.to;
  if (!to_tag.empty() && status > 100 && parameter(request.to, "tag").empty()) {
    out += ";tag=";
    out += to_tag;
  }
  out += "\r\n";
  line("Call-ID: ", request.call_id);
  out += "CSeq: ";
  out += std::to_string(request.cseq);
  line(" ", request.cseq_method);
  if (!contact.empty()) line("Contact: ", contact);
  out += "Content-Length: 0\r\n\r\n";
  return out;
}

std::string request(const request_text& p) {
  std::string out;
  out.reserve(512 + p.body.size());
  const auto add = [&out](std::initializer_list<std::string_view> pieces) {
    for (const std::string_view piece : pieces)
      out += piece;
  };
  add({p.method, " ", p.uri, " SIP/2.0\r\nVia: SIP/2.0/UDP ", p.sent_by, ";branch=", p.branch,
       "\r\nMax-Forwards: 70\r\n"});
  if (p.routes != nullptr) out += *p.routes;
  add({"From: ", p.from, "\r\nTo: ", p.to, "\r\nCall-ID: ", p.call_id, "\r\nCSeq: "});
  out += std::to_string(p.cseq);
  add({" ", p.method, "\r\n"});
  if (!p.contact.empty()) add({"Contact: ", p.contact, "\r\n"});
  out += p.extra;
  if (!p.body.empty()) out += "Content-Type: application/sdp\r\n";
  out += "Content-Length: ";
  out += std::to_string(p.body.size());
  add({"\r\n\r\n", p.body});
  return out;
}

} // namespace linehunt::sim

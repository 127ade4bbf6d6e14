// SPDX-License-Identifier: Apache-2.0
#include "tests/corpus/reference_grammar.h"

#include <boost/spirit/home/x3.hpp>

#include <algorithm>
#include <limits>

namespace linehunt::reference {
namespace {

namespace x3 = boost::spirit::x3;
using x3::char_;
using x3::lit;
using x3::raw;

// RFC 3261 25.1, basic rules.
const auto alphanum = char_("a-zA-Z0-9");
const auto hexdig = char_("0-9a-fA-F");
const auto digits = +char_("0-9");
const auto crlf = lit("\r\n");
const auto wsp = char_(" \t");
const auto lws = -(*wsp >> crlf) >> +wsp;
const auto sws = -lws;
const auto slash = sws >> '/' >> sws;
const auto semi = sws >> ';' >> sws;
const auto equal = sws >> '=' >> sws;
const auto comma = sws >> ',' >> sws;
const auto colon = sws >> ':' >> sws;
const auto token = +(alphanum | char_("-.!%*_+`'~"));
const auto word = +(alphanum | char_("-.!%*_+`'~()<>:\\\"/[]?{}"));
const auto non_ascii = char_('\x80', '\xff');
const auto quoted_pair = '\\' >> (char_ - char_("\r\n") - non_ascii);
const auto qdtext = lws | char_('\x21') | char_('\x23', '\x5b') | char_('\x5d', '\x7e') | non_ascii;
const auto quoted_string = '"' >> *(qdtext | quoted_pair) >> '"';
const auto escaped = '%' >> hexdig >> hexdig;
const auto unreserved = alphanum | char_("-_.!~*'()");

const auto ipv6_reference = '[' >> +char_("0-9a-fA-F:.") >> ']';
const auto host = +(alphanum | char_("-.")) | ipv6_reference;
const auto gen_value = token | ipv6_reference | quoted_string;

const auto user_char = unreserved | escaped | char_("&=+$,;?/");
const auto password_char = unreserved | escaped | char_("&=+$,");
const auto parameter_char = unreserved | escaped | char_("[]/:&+$");
const auto header_char = unreserved | escaped | char_("[]/?:+$");

template <class Range>
std::string_view view_of(const Range& range) {
  return {range.begin(), range.size()};
}

// Stores the matched text.
auto to(std::string_view& target) {
  return [&target](auto& ctx) { target = view_of(x3::_attr(ctx)); };
}

template <class Grammar>
bool matches(std::string_view text, const Grammar& grammar) {
  const char* at = text.data();
  const char* const end = at + text.size();
  return x3::parse(at, end, grammar) && at == end;
}

std::string lower(std::string_view text) {
  std::string result{text};
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return result;
}

bool read_number(std::string_view text, std::uint64_t most, std::uint64_t& out) {
  if (!matches(text, digits)) return false;
  out = 0;
  for (const char c : text) {
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
    if (out > most) return false;
  }
  return true;
}

// generic-param, pushed once it is complete.
auto parameters_into(std::vector<parameter>& target, std::string_view& name,
                     std::string_view& value) {
  const auto begin = [&](auto& ctx) {
    name = view_of(x3::_attr(ctx));
    value = {};
  };
  const auto end = [&](auto&) { target.push_back({lower(name), value}); };
  // RFC 5118 4.5: an IPv6 address without brackets.
  const auto bare_ipv6 = +(char_("0-9a-fA-F.") | char_(':')) >> !char_("a-zA-Z0-9");
  const auto one = raw[token][begin] >> -(equal >> raw[bare_ipv6 | gen_value][to(value)]);
  return *(semi >> x3::omit[one][end]);
}

// RFC 3261 7.3.1.
bool stands_twice(const std::vector<parameter>& parameters, std::string_view name) {
  return std::count_if(parameters.begin(), parameters.end(),
                       [&](const parameter& p) { return p.name == name; }) > 1;
}

bool read_uri(std::string_view text, sip_uri& uri) {
  const auto userinfo =
      raw[+user_char][to(uri.user)] >> -(':' >> raw[*password_char][to(uri.password)]) >> '@';
  const auto parameter = +parameter_char >> -('=' >> +parameter_char);
  const auto header = +header_char >> '=' >> *header_char;
  const auto grammar = x3::no_case[lit("sips:") | lit("sip:")] >>
                       ((&(+user_char >> -(':' >> *password_char) >> '@') >> userinfo) | x3::eps) >>
                       raw[host][to(uri.host)] >> -(':' >> raw[digits][to(uri.port)]) >>
                       raw[*(';' >> parameter)][to(uri.parameters)] >>
                       -('?' >> raw[header >> *('&' >> header)][to(uri.headers)]);
  uri = {};
  std::uint64_t port = 0;
  return matches(text, grammar) && (uri.port.empty() || read_number(uri.port, 65535, port));
}

bool read_vias(std::string_view text, std::vector<via>& vias) {
  via one;
  std::string_view name, value;
  const auto keep = [&](auto&) {
    vias.push_back(one);
    one = {};
  };
  const auto via_parm = token >> slash >> token >> slash >> raw[token][to(one.transport)] >> lws >>
                        raw[host][to(one.host)] >> -(colon >> raw[digits][to(one.port)]) >>
                        parameters_into(one.parameters, name, value);
  if (!matches(text, x3::omit[via_parm][keep] >> *(comma >> x3::omit[via_parm][keep])))
    return false;
  return std::all_of(vias.begin(), vias.end(), [](const via& v) {
    std::uint64_t port = 0;
    if (!v.port.empty() && !read_number(v.port, 65535, port)) return false;
    for (const auto once : {"branch", "received", "rport", "maddr", "ttl"})
      if (stands_twice(v.parameters, once)) return false;
    return std::all_of(v.parameters.begin(), v.parameters.end(), [&](const parameter& p) {
      if (p.name == "rport") return p.value.empty() || read_number(p.value, 65535, port);
      return !p.value.empty() || (p.name != "branch" && p.name != "received" && p.name != "maddr");
    });
  });
}

// name-addr or addr-spec; in the second form ';', '?' and ',' end the URI (RFC 3261 20.10).
bool read_addresses(std::string_view text, std::vector<address>& addresses, bool brackets_only) {
  address one;
  std::string_view name, value;
  const auto keep = [&](auto&) {
    addresses.push_back(one);
    one = {};
  };
  const auto display_name = quoted_string | (token >> *(lws >> token));
  const auto bracketed_uri = +(char_("\x21-\x7e") - char_("<>\""));
  const auto bare_uri = +(char_("\x21-\x7e") - char_("<>\";?,"));
  const auto name_addr = -raw[display_name][to(one.display_name)] >> sws >> '<' >>
                         raw[bracketed_uri][to(one.uri)] >> '>';
  const auto no_name = [&](auto&) { one.display_name = {}; }; // left by the other alternative
  const auto addr_spec = x3::eps(!brackets_only)[no_name] >> raw[bare_uri][to(one.uri)];
  const auto element = (name_addr | addr_spec) >> parameters_into(one.parameters, name, value);
  if (!matches(text, x3::omit[element][keep] >> *(comma >> x3::omit[element][keep]))) return false;
  return std::all_of(addresses.begin(), addresses.end(), [](const address& a) {
    const bool tag_ok =
        std::all_of(a.parameters.begin(), a.parameters.end(),
                    [](const parameter& p) { return p.name != "tag" || matches(p.value, token); });
    sip_uri uri;
    return tag_ok && !stands_twice(a.parameters, "tag") && read_uri(a.uri, uri);
  });
}

std::string long_name(std::string_view name) {
  static constexpr std::pair<const char*, const char*> forms[] = {
      {"v", "via"},          {"f", "from"},      {"t", "to"},
      {"i", "call-id"},      {"m", "contact"},   {"l", "content-length"},
      {"c", "content-type"}, {"k", "supported"}, {"x", "session-expires"}};
  std::string result = lower(name);
  for (const auto& [compact, full] : forms) {
    if (result == compact) return full;
  }
  return result;
}

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

bool read_lines(std::string_view text, message& m) {
  std::string_view name, status;
  const auto text_char = (char_ - char_("\r\n")) | (crlf >> &wsp);
  const auto keep = [&](auto& ctx) {
    m.fields.push_back({long_name(name), trimmed(view_of(x3::_attr(ctx)))});
  };
  const auto field = raw[token][to(name)] >> *wsp >> ':' >> raw[*text_char][keep] >> crlf;
  const auto version = x3::no_case[lit("SIP/2.0")];
  const auto request_line = raw[token][to(m.method)] >> ' ' >>
                            raw[+(char_ - char_(" \t\r\n"))][to(m.request_uri)] >> ' ' >> version;
  const auto status_line = version >> ' ' >> raw[x3::repeat(3)[char_("0-9")]][to(status)] >> ' ' >>
                           raw[*(char_ - char_("\r\n"))][to(m.reason)];
  const char* at = text.data();
  const char* const end = at + text.size();
  if (!x3::parse(at, end, (status_line | request_line) >> crlf >> *field >> crlf)) return false;
  m.body = text.substr(static_cast<std::size_t>(at - text.data()));
  m.is_request = status.empty();
  for (const char c : status)
    m.status = m.status * 10 + static_cast<std::uint32_t>(c - '0');
  return m.is_request ? read_uri(m.request_uri, m.uri) : m.status >= 100 && m.status < 700;
}

bool read_one_address(std::string_view text, address& target) {
  std::vector<address> all;
  if (!read_addresses(text, all, false) || all.size() != 1) return false;
  target = all.front();
  return true;
}

bool read_field(const field& f, message& m) {
  constexpr std::uint64_t most_cseq = std::numeric_limits<std::int32_t>::max();
  std::uint64_t number = 0;
  if (f.name == "via") return read_vias(f.value, m.vias);
  if (f.name == "from") return read_one_address(f.value, m.from);
  if (f.name == "to") return read_one_address(f.value, m.to);
  if (f.name == "route") return read_addresses(f.value, m.routes, true);
  if (f.name == "call-id") {
    m.call_id = f.value;
    return matches(f.value, word >> -('@' >> word));
  }
  if (f.name == "cseq") {
    std::string_view digits_text;
    return matches(f.value, raw[digits][to(digits_text)] >> lws >> raw[token][to(m.cseq_method)]) &&
           read_number(digits_text, most_cseq, m.cseq);
  }
  if (f.name == "max-forwards") {
    if (!read_number(f.value, 65534, number)) return false;
    m.max_forwards = number;
  }
  if (f.name == "content-length") {
    if (!read_number(f.value, m.body.size(), number)) return false;
    m.content_length = number;
  }
  return true;
}

} // namespace

std::optional<message> read(std::string_view text) {
  message m;
  if (!read_lines(text, m)) return std::nullopt;
  const auto count = [&](std::string_view name) {
    return std::count_if(m.fields.begin(), m.fields.end(),
                         [&](const field& f) { return f.name == name; });
  };
  if (count("via") == 0 || count("max-forwards") > 1 || count("content-length") > 1) return {};
  for (const auto name : {"from", "to", "call-id", "cseq"}) {
    if (count(name) != 1) return std::nullopt;
  }
  for (const auto& f : m.fields) {
    if (!read_field(f, m)) return std::nullopt;
  }
  if (m.is_request && m.cseq_method != m.method) return std::nullopt;
  if (m.content_length) m.body = m.body.substr(0, *m.content_length);
  return m;
}

} // namespace linehunt::reference

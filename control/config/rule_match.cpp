// SPDX-License-Identifier: Apache-2.0
// The `match` table of a rule. Patterns are checked by compiling them all (load_file).
#include "control/config/rule_match.h"

#include "control/config/method_name.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace linehunt::config {
namespace {

constexpr std::string_view match_title = "[[rule]] match";

struct pattern_key {
  std::string_view key;
  rule_field field;
};
constexpr std::array pattern_keys{
    pattern_key{"ruri", rule_field::ruri},      pattern_key{"user", rule_field::ruri_user},
    pattern_key{"host", rule_field::ruri_host}, pattern_key{"from", rule_field::from_uri},
    pattern_key{"to", rule_field::to_uri},      pattern_key{"body", rule_field::body},
};

// RFC 3261 25.1: token.
bool is_token(std::string_view text) noexcept {
  static constexpr std::string_view marks = "-.!%*_+`'~";
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || marks.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

class match_reader {
 public:
  match_reader(const toml::table& match, rule_entry& rule, diagnostics& out)
      : reader_(match, std::string{match_title}, out), match_(match), rule_(rule), out_(out) {}

  void read_all() {
    read_methods();
    read_patterns();
    read_headers();
    read_sources();
    read_from_group();
    read_codecs("codecs", rule_field::codec_present);
    read_codecs("no_codecs", rule_field::codec_absent);
    if (reader_.finish() && reader_.has("any_port") && !reader_.has("from_group"))
      reader_.error("any_port", "'any_port' is about the destination that a call comes from; add "
                                "from_group");
    if (match_.empty())
      out_.error(reader_.at(), "[[rule]] 'match' is empty; leave it out where every call is meant");
  }

 private:
  void add(rule_condition condition, place at) {
    rule_.model.conditions.push_back(std::move(condition));
    rule_.condition_at.push_back(at);
  }

  // It would hold for no call, or for all of them.
  bool is_empty(std::string_view key, const std::vector<placed_text>& texts) {
    if (texts.empty())
      reader_.error(key, fmt::format("'{}' is empty; name at least one, or leave it out", key));
    return texts.empty();
  }

  // Method names become one anchored pattern; a dot or a star in a name stands for itself.
  void read_methods() {
    std::vector<placed_text> names;
    if (!reader_.read("method", names) || is_empty("method", names)) return;
    std::string pattern = "^(?:";
    for (const placed_text& name : names) {
      if (!is_token(name.text))
        out_.error(name.at, fmt::format("{} method '{}' is no SIP method; write for example "
                                        "\"INVITE\"",
                                        match_title, name.text));
      else if (const std::string meant = in_upper_case(name.text); meant != name.text)
        out_.warning(name.at, fmt::format("{} method '{}' has lower case, and is compared as it is "
                                          "written; write {}",
                                          match_title, name.text, meant));
      if (pattern.back() != ':') pattern += '|';
      for (char c : name.text) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) pattern += '\\';
        pattern += c;
      }
    }
    const auto means_invite = [](const placed_text& name) {
      return in_upper_case(name.text) == "INVITE";
    };
    if (std::ranges::none_of(names, means_invite)) rule_.no_invite_at = reader_.at("method");
    rule_condition condition;
    condition.field = rule_field::method;
    condition.pattern = pattern + ")$";
    add(std::move(condition), reader_.at("method"));
  }

  void read_patterns() {
    for (const auto& [key, field] : pattern_keys) {
      rule_condition condition;
      condition.field = field;
      if (reader_.read(key, condition.pattern)) add(std::move(condition), reader_.at(key));
    }
  }

  void read_headers() {
    const toml::table* headers = reader_.table("header");
    if (!headers) return;
    if (headers->empty())
      reader_.error("header", "'header' is empty, and would hold for all calls; write for example "
                              "header.X-Service = \"^gold$\", or leave it out");
    table_reader inner(*headers, "[[rule]] match.header", out_);
    for (const auto& [name, value] : *headers) {
      rule_condition condition;
      condition.field = rule_field::header;
      condition.header_name = name.str();
      if (!inner.read(name.str(), condition.pattern)) continue;
      if (is_token(name.str()))
        add(std::move(condition), place_of(value));
      else
        inner.error(name.str(), fmt::format("'{}' is no header name; write for example "
                                            "header.X-Service = \"^gold$\"",
                                            name.str()));
    }
  }

  void read_sources() {
    std::vector<placed_text> texts;
    if (!reader_.read("source", texts) || is_empty("source", texts)) return;
    rule_condition condition;
    condition.field = rule_field::source;
    for (const placed_text& item : texts) {
      if (const auto net = parse_prefix(item.text))
        condition.networks.push_back(*net);
      else
        out_.error(item.at, fmt::format("{} source '{}' is no network; write for example "
                                        "\"192.0.2.0/24\"",
                                        match_title, item.text));
    }
    if (!condition.networks.empty()) add(std::move(condition), reader_.at("source"));
  }

  void read_from_group() {
    rule_condition condition;
    condition.field = rule_field::from_destination;
    reader_.read("any_port", condition.any_port);
    if (!reader_.read("from_group", condition.group)) return;
    rule_.from_group_at = reader_.at("from_group");
    add(std::move(condition), rule_.from_group_at);
  }

  void read_codecs(std::string_view key, rule_field field) {
    std::vector<placed_text> names;
    if (!reader_.read(key, names) || is_empty(key, names)) return;
    rule_condition condition;
    condition.field = field;
    for (const placed_text& name : names) {
      if (is_token(name.text))
        condition.names.push_back(name.text);
      else
        out_.error(name.at, fmt::format("{} codec '{}' is no encoding name; write for example "
                                        "\"PCMA\"",
                                        match_title, name.text));
    }
    if (!condition.names.empty()) add(std::move(condition), reader_.at(key));
  }

  table_reader reader_;
  const toml::table& match_;
  rule_entry& rule_;
  diagnostics& out_;
};

} // namespace

void read_match(const toml::table& match, rule_entry& rule, diagnostics& out) {
  match_reader(match, rule, out).read_all();
}

} // namespace linehunt::config

// SPDX-License-Identifier: Apache-2.0
// From the model of the rules to their compiled form, with every mistake said. Runs in the control
// thread; does not look at messages.
#include "dataplane/rules/compiled.h"

#include "sipparse/ascii_case.h"

#include <algorithm>

namespace linehunt {

namespace {

std::string lower_case(std::string text) {
  for (char& c : text)
    c = sip::ascii_lower(c);
  return text;
}

class compiler {
 public:
  compiler(compiled_rules::state& out, const std::vector<std::string>& resource_names,
           const compiled_patterns* known, std::vector<compiled_rules::error>& errors)
      : out_(out), resource_names_(resource_names), known_(known), errors_(errors) {}

  void run(std::size_t workers) {
    for (rule_ = 0; rule_ < out_.models.size(); ++rule_)
      add_rule(out_.models[rule_]);
    place_bits();
    for (std::size_t f = 0; f < out_.fields.size(); ++f)
      compile_field(f);
    if (errors_.empty()) allot_workspaces(workers);
  }

 private:
  // Where a pattern of a field stands in the rules.
  struct origin {
    std::size_t rule, condition;
  };

  void say(std::size_t condition, std::string message) {
    errors_.push_back({rule_, condition, std::move(message)});
  }

  void add_rule(const rule_model& model) {
    rules::rule rule;
    rule.model = &model;
    for (std::size_t i = 0; i < model.conditions.size(); ++i)
      rule.conditions.push_back(compiled(model.conditions[i], i));
    rule.asks_source =
        std::any_of(rule.conditions.begin(), rule.conditions.end(), [](const rules::condition& c) {
          return c.field == rule_field::from_destination;
        });
    for (const std::string& name : model.resources)
      rule.resources.push_back(resource(name));
    check_action(model);
    out_.rules.push_back(std::move(rule));
  }

  std::uint16_t resource(const std::string& name) const {
    const auto found = std::find(resource_names_.begin(), resource_names_.end(), name);
    if (name.empty() || found == resource_names_.end()) return rules::no_resource;
    return static_cast<std::uint16_t>(found - resource_names_.begin());
  }

  void check_action(const rule_model& model) {
    constexpr std::size_t whole = compiled_rules::whole_rule;
    if (model.resources.size() > max_rule_resources)
      say(whole, "more than " + std::to_string(max_rule_resources) + " resources");
    const bool adds = model.action == rule_action::add;
    adds_resources_ = adds_resources_ || (adds && !model.resources.empty());
    switch (model.action) {
    case rule_action::add:
      if (model.resources.empty()) say(whole, "add names no resource");
      break;
    case rule_action::balance:
      if (model.resources.empty() && !adds_resources_)
        say(whole, "balance asks for no resource, and no rule before it adds one");
      // 0: the default. RFC 3261 7.2; only a failure can say that nothing is left.
      if (model.status != 0 && (model.status < 300 || model.status > 699))
        say(whole, "status " + std::to_string(model.status) + " is outside 300..699");
      break;
    case rule_action::reply:
      if (model.status < 200 || model.status > 699)
        say(whole, "reply status " + std::to_string(model.status) + " is outside 200..699");
      break;
    case rule_action::forward:
      if (model.count && model.resources.empty()) say(whole, "count names no resource");
      break;
    case rule_action::drop:
      out_.any_drops = true;
      break;
    }
  }

  rules::condition compiled(const rule_condition& model, std::size_t number) {
    rules::condition condition;
    condition.field = model.field;
    switch (model.field) {
    case rule_field::source:
      if (model.networks.empty()) say(number, "source names no network");
      condition.networks = model.networks;
      break;
    case rule_field::from_destination:
      condition.group = model.group;
      condition.any_port = model.any_port;
      break;
    case rule_field::codec_present:
    case rule_field::codec_absent:
      if (model.names.empty()) say(number, "names no codec");
      for (const std::string& name : model.names)
        condition.codec_mask |= codec_bit(name, number);
      break;
    case rule_field::header:
      if (!rules::is_header_name(model.header_name))
        say(number, "\"" + model.header_name + "\" is no header name");
      [[fallthrough]];
    default:
      condition.pattern_field = field_of(model);
      condition.is_pattern = true;
      condition.bit = static_cast<std::uint32_t>(
          out_.fields[condition.pattern_field].patterns.add(model.pattern));
      origins_[condition.pattern_field].push_back({rule_, number});
    }
    return condition;
  }

  std::uint64_t codec_bit(const std::string& name, std::size_t condition) {
    auto& names = out_.codec_names;
    std::string lower = lower_case(name);
    auto found = std::find(names.begin(), names.end(), lower);
    if (found == names.end()) {
      if (names.size() == rules::max_codec_names) {
        say(condition, "the rules name more than " + std::to_string(rules::max_codec_names) +
                           " different codecs");
        return 0;
      }
      found = names.insert(names.end(), std::move(lower));
    }
    return std::uint64_t{1} << (found - names.begin());
  }

  std::uint32_t field_of(const rule_condition& model) {
    rules::header_name header;
    if (model.field == rule_field::header) {
      header = rules::header_named(model.header_name);
      header.long_form = lower_case(std::move(header.long_form));
    }
    const auto same = [&](const rules::pattern_field& f) {
      return f.field == model.field && f.header.long_form == header.long_form;
    };
    const auto found = std::find_if(out_.fields.begin(), out_.fields.end(), same);
    if (found != out_.fields.end()) return static_cast<std::uint32_t>(found - out_.fields.begin());
    out_.fields.push_back({model.field, std::move(header), {}});
    origins_.emplace_back();
    return static_cast<std::uint32_t>(out_.fields.size() - 1);
  }

  // Each field's bits begin with a word of their own, so that a database of one field does not
  // depend on the patterns of another.
  void place_bits() {
    for (rules::pattern_field& field : out_.fields) {
      field.first_word = words_;
      words_ += field.patterns.words();
    }
    for (rules::rule& rule : out_.rules)
      for (rules::condition& c : rule.conditions)
        if (c.is_pattern)
          c.bit += static_cast<std::uint32_t>(64 * out_.fields[c.pattern_field].first_word);
  }

  void compile_field(std::size_t number) {
    rules::pattern_field& field = out_.fields[number];
    // RFC 3261 19.1.4: a host compares without regard to case.
    const bool ignore_case = field.field == rule_field::ruri_host;
    if (known_ != nullptr &&
        std::any_of(known_->sets.begin(), known_->sets.end(), [&](const rules::pattern_set& set) {
          return field.patterns.share(set, ignore_case);
        }))
      return;
    for (const auto& failure : field.patterns.compile(ignore_case)) {
      const origin at = origins_[number][failure.pattern];
      const std::string& pattern = out_.models[at.rule].conditions[at.condition].pattern;
      errors_.push_back({at.rule, at.condition, "\"" + pattern + "\": " + failure.message});
    }
  }

  void allot_workspaces(std::size_t workers) {
    rules::scratch largest;
    bool enough = true;
    for (const rules::pattern_field& field : out_.fields)
      enough = enough && field.patterns.enlarge(largest);
    for (std::size_t w = 0; w < workers; ++w) {
      rules::workspace space;
      if (!out_.fields.empty()) {
        space.memory = rules::clone(largest);
        enough = enough && space.memory;
      }
      space.matched.resize(words_);
      space.scanned.resize(out_.fields.size());
      out_.workspaces.push_back(std::move(space));
    }
    rule_ = 0;
    if (!enough) say(compiled_rules::whole_rule, "no memory for the scratch of the patterns");
  }

  compiled_rules::state& out_;
  const std::vector<std::string>& resource_names_;
  const compiled_patterns* known_;
  std::vector<compiled_rules::error>& errors_;
  std::vector<std::vector<origin>> origins_; // by field, by pattern
  std::size_t rule_ = 0;
  std::size_t words_ = 0; // of all bits
  bool adds_resources_ = false;
};

} // namespace

std::unique_ptr<const compiled_rules>
compiled_rules::compile(std::vector<rule_model> models,
                        const std::vector<std::string>& resource_names, std::size_t workers,
                        std::vector<error>& errors, const compiled_patterns* known) {
  auto made = std::make_unique<state>();
  made->models = std::move(models);
  std::vector<error> found;
  compiler(*made, resource_names, known, found).run(workers);
  std::stable_sort(found.begin(), found.end(), [](const error& a, const error& b) {
    return std::pair(a.rule, a.condition) < std::pair(b.rule, b.condition);
  });
  const bool failed = !found.empty();
  std::move(found.begin(), found.end(), std::back_inserter(errors));
  if (failed) return nullptr;
  return std::unique_ptr<const compiled_rules>(new compiled_rules(std::move(made)));
}

compiled_rules::compiled_rules(std::unique_ptr<state> s) : state_(std::move(s)) {}
compiled_rules::~compiled_rules() = default;

const std::vector<rule_model>& compiled_rules::models() const noexcept {
  return state_->models;
}
std::shared_ptr<const compiled_patterns> compiled_rules::patterns() const {
  auto all = std::make_shared<compiled_patterns>();
  for (const rules::pattern_field& field : state_->fields)
    all->sets.push_back(field.patterns);
  return all;
}
bool compiled_rules::any_drops() const noexcept {
  return state_->any_drops;
}

} // namespace linehunt

// SPDX-License-Identifier: Apache-2.0
// What `add` rules and the rule that ends the matter ask for together: a call that needs a resource
// twice, or more of them than it can hold, is refused, and neither rule is wrong by itself.
#include "control/config/rule_overlap.h"
#include "control/config/sections.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <string>
#include <utility>

namespace linehunt::config {
namespace {

using conditions = std::vector<rule_condition>;

bool is_among(const rule_condition& one, const conditions& all) {
  return std::ranges::find(all, one) != all.end();
}

bool may_hold(const rule_entry& rule) {
  return rule.no_invite_at.line == 0;
}

// Which `add` rules a call may have matched when it comes to a later rule, as far as can be told:
// neither excludes the other, and no rule in between ends the matter for all calls that match both.
class gathering {
 public:
  explicit gathering(const configuration& whole) : rules_(whole.rules) {
    for (const rule_entry& rule : rules_)
      ended_by_.push_back(first_that_ends(rules_.size(), rule.model.conditions, {}));
  }

  [[nodiscard]] bool is_reached(std::size_t rule) const { return ended_by_[rule] >= rule; }
  [[nodiscard]] bool may_precede(std::size_t add, std::size_t last) const {
    const rule_model& a = rules_[add].model;
    const rule_model& b = rules_[last].model;
    return a.action == rule_action::add && may_hold(rules_[add]) && ended_by_[add] >= last &&
           !exclude_each_other(a, b) && first_that_ends(last, a.conditions, b.conditions) == last;
  }

 private:
  // Of the rules before `end`; `end` where none does. All that it asks for is asked for already.
  [[nodiscard]] std::size_t first_that_ends(std::size_t end, const conditions& asked,
                                            const conditions& more) const {
    for (std::size_t i = 0; i < end; ++i)
      if (rules_[i].model.action != rule_action::add &&
          std::ranges::all_of(rules_[i].model.conditions, [&](const rule_condition& c) {
            return is_among(c, asked) || is_among(c, more);
          }))
        return i;
    return end;
  }

  const std::vector<rule_entry>& rules_;
  std::vector<std::size_t> ended_by_; // by rule: itself, an earlier one, or a later one
};

class gathered_check {
 public:
  gathered_check(const configuration& whole, diagnostics& out)
      : rules_(whole.rules), gathered_(whole), out_(out) {
    std::set<std::string> names;
    for (const rule_entry& rule : rules_)
      for (const std::string& name : rule.model.resources) {
        if (!names.insert(name).second) shared_.insert(name);
        if (rule.model.action == rule_action::add) added_.insert(name);
      }
  }

  void look_at_all() {
    for (std::size_t i = 0; i < rules_.size(); ++i)
      if (rules_[i].model.action == rule_action::balance && may_hold(rules_[i]) &&
          gathered_.is_reached(i) && may_find_something(i))
        look_at(i);
    if (told_ > most_told)
      out_.warning({}, fmt::format("{} more 'add' rules name what another rule names as well; mend "
                                   "those that are told first",
                                   told_ - most_told));
  }

 private:
  // One string may have several names.
  static std::pair<place, std::string> named(const rule_entry& rule, std::size_t number) {
    return {rule.resource_at[number], rule.model.resources[number]};
  }

  // There may be thousands of rules, and most of them have nothing in common.
  [[nodiscard]] bool may_find_something(std::size_t last) const {
    if (!told_sum_ && rules_[last].model.resources.size() + added_.size() > max_resources_per_call)
      return true;
    return std::any_of(
        rules_.begin(), rules_.begin() + static_cast<long>(last), [&](const auto& r) {
          if (r.model.action != rule_action::add) return false;
          for (std::size_t i = 0; i < r.model.resources.size(); ++i)
            if (shared_.contains(r.model.resources[i]) && !said_.contains(named(r, i))) return true;
          return false;
        });
  }

  void look_at(std::size_t last) {
    const rule_entry& balancing = rules_[last];
    std::vector<const rule_entry*> naming{&balancing};
    std::set<std::string> needed(balancing.model.resources.begin(),
                                 balancing.model.resources.end());
    for (std::size_t i = 0; i < last; ++i) {
      if (!gathered_.may_precede(i, last)) continue;
      for (std::size_t r = 0; r < rules_[i].model.resources.size(); ++r)
        look_for_second(rules_[i], r, naming);
      needed.insert(rules_[i].model.resources.begin(), rules_[i].model.resources.end());
      naming.push_back(&rules_[i]);
    }
    if (needed.size() > max_resources_per_call && !std::exchange(told_sum_, true))
      out_.warning(balancing.at,
                   fmt::format("[[rule]] with what 'add' rules before it name, a call may need {} "
                               "resources; it can hold {}, and is refused where it needs more. "
                               "Name fewer, or let 'match' tell the rules apart",
                               needed.size(), max_resources_per_call));
  }

  // Each name of an `add` is told of once, however many rules repeat it.
  void look_for_second(const rule_entry& add, std::size_t number,
                       const std::vector<const rule_entry*>& naming) {
    const std::string& name = add.model.resources[number];
    for (const rule_entry* other : naming) {
      const auto& names = other->model.resources;
      const auto same = std::ranges::find(names, name);
      if (same == names.end() || exclude_each_other(other->model, add.model)) continue;
      if (other->model.action == rule_action::add)
        said_.insert(named(*other, static_cast<std::size_t>(same - names.begin())));
      if (said_.insert(named(add, number)).second && ++told_ <= most_told)
        out_.warning(add.resource_at[number],
                     fmt::format("[[rule]] add '{}': the rule in line {} names it as well, and a "
                                 "call that matches both is refused; name it in one of them, or "
                                 "let 'match' tell them apart",
                                 name, other->at.line));
      return;
    }
  }

  const std::vector<rule_entry>& rules_;
  gathering gathered_;
  diagnostics& out_;
  std::set<std::string> added_, shared_; // of any `add`; of more rules than one
  std::set<std::pair<place, std::string>> said_;
  static constexpr std::size_t most_told = 20;
  std::size_t told_ = 0;
  bool told_sum_ = false; // of the first such rule, since most later ones have it from the same
};

} // namespace

void check_gathered(const configuration& whole, diagnostics& out) {
  if (std::ranges::any_of(whole.rules, [](const rule_entry& rule) {
        return rule.model.action == rule_action::add;
      }))
    gathered_check(whole, out).look_at_all();
}

} // namespace linehunt::config

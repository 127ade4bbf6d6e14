// SPDX-License-Identifier: Apache-2.0
// See snapshot_builder.h.
#include "dataplane/snapshot_builder.h"

#include <algorithm>
#include <limits>
#include <set>

namespace linehunt {

namespace {

class builder {
 public:
  builder(const snapshot_model& model, index_book& book, std::vector<build_error>& errors)
      : model_(model), book_(book), errors_(errors), out_(std::make_unique<snapshot>()) {}

  std::unique_ptr<const snapshot> run() {
    out_->generation = model_.generation;
    out_->timers = model_.timers;
    out_->overload = model_.overload;
    if (!model_.user_agent.empty()) out_->server_line = "Server: " + model_.user_agent + "\r\n";
    out_->probe_method = model_.probe_method;
    out_->probe_from = model_.probe_from;
    add_listeners();
    book_.begin_reload();
    for (std::size_t i = 0; i < model_.destinations.size(); ++i)
      add_destination(i);
    out_->resource_names = book_.resource_names();
    out_->index_sources();
    compile_rules();
    return std::move(out_);
  }

 private:
  void say(build_error::part where, std::size_t index, std::string message) {
    errors_.push_back({where, index, compiled_rules::whole_rule, std::move(message)});
  }

  void add_listeners() {
    constexpr std::size_t most = std::numeric_limits<listener_index>::max();
    if (model_.listeners.size() > most)
      say(build_error::part::listener, most, "more than " + std::to_string(most) + " listeners");
    out_->listeners = model_.listeners;
    for (listener& l : out_->listeners)
      if (l.sent_by.empty()) l.sent_by = to_text(l.outside.value_or(l.local));
    out_->routes = model_.routes;
    std::stable_sort(out_->routes.begin(), out_->routes.end(), [](const route& a, const route& b) {
      return a.net.length_bits > b.net.length_bits;
    });
  }

  void add_destination(std::size_t number) {
    const destination_model& model = model_.destinations[number];
    const auto wrong = [&](std::string message) {
      say(build_error::part::destination, number,
          "destination " + std::to_string(model.id) + ": " + std::move(message));
    };
    if (!ids_.insert(model.id).second) return wrong("this id is there twice");
    destination made;
    made.index = book_.destination(model.id);
    if (made.index == no_index)
      return wrong("no room for more than " + std::to_string(book_.max_destinations()) +
                   " destinations (those that old calls still hold included)");
    made.id = model.id;
    made.group = model.group;
    made.uri = model.uri;
    made.addresses = model.addresses;
    made.turns = model.turns;
    made.enabled = model.enabled;
    // By the stable index, so that a reload moves no pool of lines to another worker.
    made.home = static_cast<worker_id>(made.index % model_.workers);
    for (const resource_model& r : model.resources) {
      resource one;
      one.name = book_.resource(r.name);
      if (one.name == index_book::no_resource)
        return wrong(
            "no room for another resource name, since 65,535 have been in use: restart linehunt");
      one.slot = book_.slot(model.id, one.name);
      if (one.slot == no_index)
        return wrong("no room for more than " + std::to_string(book_.max_slots()) +
                     " resources of destinations (those that old calls still hold included)");
      one.capacity = r.capacity;
      made.resources.push_back(one);
    }
    for (const endpoint& address : made.addresses) {
      if (!out_->listener_for(address.ip, made.listener))
        wrong("no listener reaches " + std::string(to_text(address)) +
              (address.ip.is_v6 ? "; listen on an IPv6 address" : "; listen on an IPv4 address"));
    }
    // With several addresses the first one's listener counts: calls go there first.
    if (!made.addresses.empty()) (void)out_->listener_for(made.addresses.front().ip, made.listener);
    out_->destinations.push_back(std::move(made));
  }

  void compile_rules() {
    // A name that no destination has any more keeps its number, but no rule may ask for it.
    std::vector<std::string> offered(out_->resource_names.size());
    for (const destination& d : out_->destinations)
      for (const resource& r : d.resources)
        offered[r.name] = out_->resource_names[r.name];
    std::vector<compiled_rules::error> errors;
    out_->rules = compiled_rules::compile(model_.rules, offered, model_.workers, errors,
                                          model_.patterns.get());
    for (compiled_rules::error& e : errors)
      errors_.push_back({build_error::part::rule, e.rule, e.condition, std::move(e.message)});
  }

  const snapshot_model& model_;
  index_book& book_;
  std::vector<build_error>& errors_;
  std::unique_ptr<snapshot> out_;
  std::set<std::uint32_t> ids_;
};

} // namespace

std::unique_ptr<const snapshot> build_snapshot(const snapshot_model& model, index_book& book,
                                               std::vector<build_error>& errors) {
  index_book next = book;
  std::vector<build_error> found;
  auto made = builder(model, next, found).run();
  if (!found.empty()) {
    std::move(found.begin(), found.end(), std::back_inserter(errors));
    return nullptr;
  }
  book = std::move(next);
  return made;
}

} // namespace linehunt

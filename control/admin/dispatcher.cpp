// SPDX-License-Identifier: Apache-2.0
// JSON-RPC 2.0 framing.
#include "control/admin/dispatcher.h"

#include "control/admin/methods.h"

#include <fmt/format.h>
#include <memory>
#include <optional>
#include <utility>

namespace linehunt::admin {
namespace {

using clock = std::chrono::steady_clock;
constexpr int max_depth = 32; // copies of JSON are made by recursion

json failure(const rpc_error& error, const json& id) {
  json body = {{"code", error.code}, {"message", error.message}};
  if (!error.data.empty()) body["data"] = error.data;
  return {{"jsonrpc", "2.0"}, {"error", std::move(body)}, {"id", id}};
}

// As text, since a list of many destinations takes as long to copy as to write.
std::string success(std::string_view result, const json& id) {
  return fmt::format(R"({{"id":{},"jsonrpc":"2.0","result":{}}})", text_of(id), result);
}

bool is_id(const json& id) {
  return id.is_string() || id.is_number() || id.is_null();
}

// All that came in one text. Lives as long as somebody owes it an answer.
class conversation : public std::enable_shared_from_this<conversation> {
 public:
  conversation(json requests, daemon_view& daemon, turns& taking, holding_events hold,
               replying done, const batch_limits& limits)
      : limits_(limits), is_batch_(requests.is_array()), daemon_(daemon), turns_(taking),
        can_follow_(hold != nullptr), hold_(std::move(hold)), done_(std::move(done)) {
    if (is_batch_)
      requests_ = std::move(requests);
    else
      requests_.push_back(std::move(requests));
  }

  // One request after the other. A loop, not a recursion, where answers come at once: a batch may
  // be long.
  void go_on() {
    while (long_one_ || next_ < requests_.size()) {
      if (long_one_ && !long_one_->may_begin) return; // begin_long_one() comes back here
      if (!turns_.take(next_ != 0, [self = shared_from_this()] { self->go_on(); })) return;
      waiting_ = in_loop_ = true;
      const auto begun = clock::now();
      long_one_ ? write_piece() : answer(requests_[next_++]);
      const auto took = clock::now() - begun;
      at_work_ += took;
      turns_.spent(took);
      in_loop_ = false;
      if (waiting_ && !long_one_) return; // take() comes back here
    }
    if (answers_.empty()) return done_({std::nullopt, follows_});
    done_({is_batch_ ? fmt::format("[{}]", answers_) : std::move(answers_), follows_});
  }

 private:
  // A failure of the request's form is answered even where it might be a notification.
  void answer(const json& request) {
    const rpc_error invalid{invalid_request_code, "Invalid Request", {}};
    if (!request.is_object()) return take(failure(invalid, nullptr));
    const auto id_at = request.find("id");
    const bool notification = id_at == request.end();
    const json id = !notification && is_id(*id_at) ? *id_at : json{};
    const auto protocol = request.find("jsonrpc");
    const auto name = request.find("method");
    const auto params_at = request.find("params");
    const json* params = params_at == request.end() || params_at->is_null() ? nullptr : &*params_at;
    if (protocol == request.end() || *protocol != "2.0" || name == request.end() ||
        !name->is_string() || (!notification && !is_id(*id_at)) ||
        (params && !params->is_structured()))
      return take(failure(invalid, id));
    const rpc_error too_large{invalid_request_code, "Invalid Request",
                              "not done: the answers of this batch are too large"};
    if (answers_.size() > limits_.answer_bytes)
      return take(notification ? std::nullopt : std::optional{failure(too_large, id)});
    const rpc_error too_long{invalid_request_code, "Invalid Request",
                             "not done: this batch takes too long; ask for less at once"};
    if (at_work_ > limits_.at_work)
      return take(notification ? std::nullopt : std::optional{failure(too_long, id)});
    run(name->get_ref<const std::string&>(), params,
        notification ? std::nullopt : std::optional{id},
        [self = shared_from_this(), notification, id](const rpc_answer& answer) {
          if (notification)
            self->take(std::nullopt);
          else if (!answer)
            self->take(failure(answer.error(), id));
          else
            self->take_text(success(text_of(*answer), id));
        });
  }

  void run(const std::string& name, const json* params, const std::optional<json>& id,
           std::function<void(rpc_answer)> done) {
    const method* found = method_named(name);
    if (!found || (found->follows && !can_follow_))
      return done(tl::unexpected(rpc_error{method_not_found_code, "Method not found", {}}));
    const auto bound =
        parameters::bind(params, found->recipes, found->gathers, found->optional_names);
    if (!bound) return done(tl::unexpected(bound.error()));
    follows_ = follows_ || found->follows;
    if (found->run_in_pieces) {
      long_one_.emplace(long_answer{found->run_in_pieces(*bound, daemon_), {}, id});
      return begin_long_one();
    }
    if (found->run_later) return found->run_later(*bound, daemon_, std::move(done));
    done(found->run(*bound, daemon_));
  }

  void begin_long_one() {
    long_one_->may_begin = turns_.begin_long([self = shared_from_this()] {
      self->long_one_->may_begin = true;
      self->go_on();
    });
    if (long_one_->may_begin) write_piece();
  }

  void hold_events() {
    if (!hold_ || held_for_ == follows_) return;
    held_for_ = follows_;
    hold_(follows_);
  }

  void write_piece() {
    hold_events();
    if (long_one_->write(long_one_->text)) return;
    const long_answer whole = std::move(*long_one_);
    long_one_.reset();
    turns_.end_long();
    whole.id ? take_text(success(whole.text, *whole.id)) : take(std::nullopt);
  }

  void take(const std::optional<json>& answer) {
    if (answer) return take_text(text_of(*answer));
    answered();
  }

  void take_text(std::string_view answer) {
    answers_.append(answers_.empty() ? "" : ",").append(answer);
    if (next_ < requests_.size()) hold_events();
    answered();
  }

  void answered() {
    waiting_ = false;
    if (!in_loop_) go_on();
  }

  struct long_answer {
    writing write;
    std::string text;
    std::optional<json> id; // none: of a notification
    bool may_begin = false;
  };

  json requests_ = json::array();
  std::optional<long_answer> long_one_; // at hand
  std::string answers_;                 // with commas between them
  std::size_t next_ = 0;
  bool waiting_ = false, in_loop_ = false;
  clock::duration at_work_{}; // without what it has waited for
  const batch_limits limits_;
  bool is_batch_;
  daemon_view& daemon_;
  turns& turns_;
  const bool can_follow_;
  bool follows_ = false;
  const holding_events hold_;    // empty: not of interest
  std::optional<bool> held_for_; // what it was told last
  replying done_;
};

} // namespace

void dispatch(std::string_view request, daemon_view& daemon, turns& taking, holding_events hold,
              replying done, const batch_limits& limits) {
  bool too_deep = false;
  const auto keep = [&](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > max_depth;
    return !too_deep;
  };
  json parsed = json::parse(request, keep, false);
  if (too_deep) return done({refusal("Nested too deeply"), false});
  if (parsed.is_discarded())
    return done({text_of(failure({parse_error_code, "Parse error", {}}, nullptr)), false});
  if (parsed.is_array() && parsed.empty())
    return done({text_of(failure({invalid_request_code, "Invalid Request", {}}, nullptr)), false});
  if (parsed.is_array() && parsed.size() > limits.requests)
    return done({refusal(fmt::format("A batch has {} requests at most", limits.requests)), false});
  std::make_shared<conversation>(std::move(parsed), daemon, taking, std::move(hold),
                                 std::move(done), limits)
      ->go_on();
}

std::string refusal(std::string_view why) {
  return text_of(failure({invalid_request_code, "Invalid Request", std::string{why}}, nullptr));
}

} // namespace linehunt::admin

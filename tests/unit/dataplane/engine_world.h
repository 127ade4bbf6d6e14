// SPDX-License-Identifier: Apache-2.0
// A world for the engine's tests: the real engine, ledger and rules, a sink that records, and
// texts of messages as simple parties would write them. No network, no clock.
#pragma once

#include "dataplane/engine.h"
#include "dataplane/snapshot_builder.h"
#include "dataplane/timer_wheel.h"
#include "tests/models/kept_calls.h"
#include "tests/models/models.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt::test {

struct sent_message {
  std::string bytes;
  endpoint to;
  listener_index listener = 0;
  bool forwarded = false; // the datagram at hand, or bytes of the engine's own
};

class recorder final : public action_sink {
 public:
  void forward(const sip::edit_list& edits, const outbound& where) override;
  void send(std::string_view bytes, const outbound& where) override;
  bool mail(worker_id to, const linehunt::mail& what) override;
  bool raise(const event& what) override {
    if (lost_events > 0) {
      --lost_events;
      return false;
    }
    events.push_back(what);
    return true;
  }

  std::string at_hand;
  std::vector<sent_message> sent;
  std::vector<event> events;
  unsigned lost_events = 0; // so many of the next are lost
  std::vector<std::pair<worker_id, linehunt::mail>> mails;
  bool rings_full = false; // no mail goes out
};

// The seed's four destinations in group 1, at 192.0.2.11 to .14 port 5060, the tutorial's study
// case as rules, one listener 192.0.2.1:5060. Tests change the model before the engine is made.
[[nodiscard]] snapshot_model study_case();
using models::at;

class engine_world {
 public:
  explicit engine_world(const snapshot_model& model = study_case(), engine_limits limits = small());
  [[nodiscard]] static engine_limits small();

  verdict give(std::string_view bytes, const endpoint& from, listener_index listener = 0);
  // Lets time pass in steps of 10 ms, timers included.
  void wait_ms(std::uint64_t ms);
  void mail(const linehunt::mail& what);
  void reload(const snapshot_model& model);
  // Lets go of the numbers of what is not configured any more, as far as they may go to others.
  void give_numbers_back();
  // The model's first destination goes, and another one comes when its number may be given away.
  void replace_first(snapshot_model model);
  // Another engine with another secret in the place of this one, with the calls that can be kept.
  // Returns how many of them it took up.
  std::size_t restart(const snapshot_model& model = study_case());
  // Calls that a crash would leave, and that crash so long after the copy was made.
  [[nodiscard]] models::kept_calls copy() const;
  std::size_t crash(models::kept_calls copied, std::uint64_t age_ms,
                    const snapshot_model& model = study_case());

  // What was sent since the last take.
  [[nodiscard]] std::vector<sent_message> take();
  // The same, but there must be exactly one.
  [[nodiscard]] sent_message take_one();

  [[nodiscard]] std::int64_t load(std::uint32_t destination_id, std::string_view resource) const;
  [[nodiscard]] std::int64_t total_load() const;
  [[nodiscard]] std::uint64_t count_of(verdict v) const;
  [[nodiscard]] const engine_counters& counters() const { return engine_->counters(); }
  [[nodiscard]] linehunt::engine& engine() { return *engine_; }
  [[nodiscard]] std::vector<std::uint64_t> handles() const;

  recorder sink;
  time_us now = 1'000'000;
  std::uint64_t given = 0;

 private:
  std::size_t restart_with(models::kept_calls kept, const snapshot_model& model);

  engine_limits limits_;
  index_book book_;
  std::unique_ptr<const snapshot> world_;
  std::unique_ptr<linehunt::engine> engine_;
};

// --- messages

// The values of all headers with that name, in order, split at nothing.
[[nodiscard]] std::vector<std::string> headers(std::string_view message, std::string_view name);
[[nodiscard]] std::string header(std::string_view message, std::string_view name); // the first
[[nodiscard]] std::string first_line(std::string_view message);
[[nodiscard]] int status_of(std::string_view message); // 0 for a request
[[nodiscard]] std::string replace(std::string text, std::string_view from, std::string_view to);

struct call_parts {
  std::string user = "4930123456";
  std::string call_id = "17@caller.example";
  std::string from_tag = "from-1";
  std::string branch = "z9hG4bKcaller1";
  std::string sent_by = "198.51.100.7:5060";
  std::string extra; // whole lines
  unsigned cseq = 1;
};
[[nodiscard]] std::string invite(const call_parts& parts = {});
// ACK of a failure or CANCEL: same branch and Request-URI.
[[nodiscard]] std::string hop_request(std::string_view method, const call_parts& parts,
                                      std::string_view to_tag = {});
// A reply of the callee to a request as it arrived there.
[[nodiscard]] std::string response(std::string_view request, int status, std::string_view to_tag,
                                   std::string_view extra = {});

// A request within the dialog that `ok`, the 2xx as the caller got it, has set up. From the caller,
// or from the callee; routes as the Record-Routes say.
struct dialog_request {
  std::string method = "BYE";
  bool from_caller = true;
  std::string branch = "z9hG4bKin1";
  unsigned cseq = 2;
  bool with_route = true;
  std::string extra;
};
[[nodiscard]] std::string within(std::string_view ok, const dialog_request& what);

inline const endpoint caller_address = at("198.51.100.7:5060");

// A whole call, up to its ACK.
struct running_call {
  std::string invite_at_callee;
  std::string ok_at_caller;
  endpoint callee;
};
// `behind_us`: Record-Route entries of proxies between us and the callee, as the 2xx has them: the
// one next to the callee first.
running_call establish(engine_world& world, const call_parts& parts = {},
                       std::string_view to_tag = "to-1", std::string_view behind_us = {});

} // namespace linehunt::test

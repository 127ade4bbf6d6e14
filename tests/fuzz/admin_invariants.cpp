// SPDX-License-Identifier: Apache-2.0
// See admin_invariants.h.
#include "tests/fuzz/admin_invariants.h"

#include "control/admin/dispatcher.h"
#include "control/admin/fifo_framing.h"
#include "tests/unit/control/endless_turn.h"
#include "tests/unit/control/fake_view.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace linehunt {
namespace {

using nlohmann::json;

constexpr std::size_t max_request_bytes = 4096;

std::string fault_of_answer(const json& answer) {
  if (!answer.is_object()) return "an answer is no object";
  if (answer.value("jsonrpc", "") != "2.0") return "an answer has no jsonrpc member";
  if (!answer.contains("id")) return "an answer has no id";
  if (answer.contains("result") == answer.contains("error"))
    return "an answer needs either a result or an error";
  if (!answer.contains("error")) return {};
  const json& error = answer["error"];
  if (!error.is_object() || !error.value("code", json{}).is_number_integer() ||
      !error.value("message", json{}).is_string())
    return "an error has no code or no message";
  return {};
}

std::string fault_of_request(std::string_view request, bool can_follow) {
  admin::fake_view view;
  int answers = 0;
  admin::reply given;
  admin::turns alone = admin::endless_turn();
  std::string fault_of_holding;
  std::optional<bool> held;
  const auto hold = [&](bool follows) {
    if (answers != 0) fault_of_holding = "events are held when the answer is there";
    if (held && (*held || !follows)) fault_of_holding = "events are held twice";
    held = follows;
  };
  admin::dispatch(request, view, alone, can_follow ? admin::holding_events(hold) : nullptr,
                  [&](admin::reply r) {
                    ++answers;
                    given = std::move(r);
                  });
  if (!fault_of_holding.empty()) return fault_of_holding;
  if (answers != 1) return "answered " + std::to_string(answers) + " times";
  if (given.follows && !can_follow) return "follows events where that is not offered";
  for (const auto& d : view.all)
    for (const auto& r : d.resources)
      if (r.capacity < 0) return "a capacity below 0 was set";
  if (view.level < -3 || view.level > 4) return "a log level that is none was set";
  if (!given.text) return {};
  if (given.text->find('\n') != std::string::npos) return "an answer of several lines";
  const json answer = json::parse(*given.text, nullptr, false);
  if (answer.is_discarded()) return "an answer is no JSON";
  if (!answer.is_array()) return fault_of_answer(answer);
  for (const json& one : answer)
    if (std::string fault = fault_of_answer(one); !fault.empty()) return fault;
  return answer.empty() ? "an empty batch of answers" : "";
}

struct framed {
  std::vector<admin::fifo_request> requests;
  std::size_t refused = 0;
};

framed framed_in_pieces(std::string_view bytes, std::size_t piece_bytes) {
  framed all;
  admin::fifo_framing framing(max_request_bytes);
  const auto take = [&] {
    while (auto one = framing.next())
      all.requests.push_back(std::move(*one));
  };
  for (std::size_t at = 0; at < bytes.size(); at += piece_bytes) {
    framing.feed(bytes.substr(at, piece_bytes));
    take();
  }
  framing.end();
  take();
  all.refused = framing.refused();
  if (!framing.idle()) all.refused = ~std::size_t{0};
  return all;
}

std::string fault_of_frames(std::string_view bytes) {
  const framed whole = framed_in_pieces(bytes, std::max<std::size_t>(bytes.size(), 1));
  if (whole.refused == ~std::size_t{0}) return "something is left when the writer has gone";
  for (const std::size_t piece_bytes : {1u, 3u, 64u}) {
    const framed pieces = framed_in_pieces(bytes, piece_bytes);
    const bool same =
        pieces.refused == whole.refused &&
        std::ranges::equal(pieces.requests, whole.requests, [](const auto& a, const auto& b) {
          return a.reply_name == b.reply_name && a.body == b.body && a.too_large == b.too_large;
        });
    if (!same) return "pieces of " + std::to_string(piece_bytes) + " bytes give other requests";
  }
  for (const admin::fifo_request& one : whole.requests) {
    if (!one.reply_name.empty() && !admin::is_reply_name(one.reply_name))
      return "a reply name that may lead elsewhere";
    if (one.reply_name.find_first_of(std::string_view{"./\\\0\n", 5}) != std::string::npos)
      return "a reply name with a character that leads elsewhere";
    if (one.body.size() > max_request_bytes || (one.too_large && !one.body.empty()))
      return "a body that is too large";
    if (one.body.find('\n') != std::string::npos) return "a body of several lines";
    if (std::string fault = fault_of_request(one.body, false); !fault.empty()) return fault;
  }
  return {};
}

} // namespace

std::string violated_admin_invariant(std::string_view bytes) {
  for (const bool can_follow : {false, true})
    if (std::string fault = fault_of_request(bytes, can_follow); !fault.empty()) return fault;
  return fault_of_frames(bytes);
}

} // namespace linehunt

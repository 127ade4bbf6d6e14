// SPDX-License-Identifier: Apache-2.0
// Rules: which resources does a call need, and what happens to it? An ordered list, compiled into
// one Hyperscan database per field and scanned once per new call. The model is what configuration
// says; compiled_rules is what workers run. Hyperscan stays private to rules/.
#pragma once

#include "dataplane/address.h"
#include "sipparse/message_view.h"
#include "sipparse/routing_view.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace linehunt {

struct snapshot;

// One condition of a rule; all conditions of a rule must hold. A pattern may match anywhere in its
// field (anchor it with ^ and $) and is case-sensitive but for ruri_host. Fields are looked at as
// they were written: escapes (%41) are not undone, folds stay in a header's value. A field that is
// there but empty, or a part that the URI lacks, is an empty text, which ^$ matches; a header that
// is absent matches nothing, and of one that is repeated any line may match (the first 64).
enum class rule_field : std::uint8_t {
  method,
  ruri,
  ruri_user,
  ruri_host,
  from_uri,
  to_uri,
  header,
  body,             // `pattern` is a regex
  source,           // `networks`: any of them contains the source address
  from_destination, // the call comes from a destination of `group` (0: of any)
  codec_present,    // any codec of `names` is offered (case-insensitive)
  codec_absent,     // an SDP is there and none of `names` is offered
};

struct rule_condition {
  rule_field field = rule_field::method;
  std::string pattern;             // Hyperscan (PCRE) syntax
  std::string header_name;         // rule_field::header
  std::vector<ip_prefix> networks; // rule_field::source
  std::vector<std::string> names;  // codec_present, codec_absent
  std::uint32_t group = 0;         // from_destination
  bool any_port = false;           // from_destination: from whichever port it sends
  friend bool operator==(const rule_condition&, const rule_condition&) = default;
};

// `drop` answers nothing. It alone holds for other requests outside a call as well.
enum class rule_action : std::uint8_t { add, balance, reply, forward, drop };

// Flags of selection, as OpenSIPS names them.
struct balance_flags {
  bool relative = false;   // r: per cent free instead of lines free
  bool random_tie = false; // s: any of the best at random
  bool negative = false;   // n: a destination without a free line is eligible too
};

// What a call carries of a rule for as long as it is not answered; the configuration refuses more.
inline constexpr std::size_t max_failover_codes = 16;
inline constexpr std::size_t max_refusal_reason_bytes = 64;

struct failover_policy {
  std::array<bool, 7> code_class{}; // [5]: 5xx, [6]: 6xx, ...
  std::vector<std::uint16_t> codes; // single codes besides
  bool local_timeout = false;       // no reply at all within fr_timeout
  bool no_answer = false;           // a provisional one, and no final one within fr_inv_timeout
  bool disable = false; // disable the destination that failed; one that only rang has not
};

// Whether an answered call is asked for a sign of life by OPTIONS within the dialog.
struct ping_policy {
  bool caller = false;
  bool callee = false;
};

struct rule_model {
  std::string name;
  std::vector<rule_condition> conditions;
  rule_action action = rule_action::balance;
  std::vector<std::string> resources; // added to what earlier `add` rules gathered
  std::uint32_t group = 0;            // balance; forward with count: group of the source
  balance_flags flags;
  failover_policy failover; // balance
  std::uint16_t status = 0; // reply; balance: when nothing is left (0: 500)
  std::string reason;       // reply; balance: when nothing is left
  std::string target_uri;   // forward
  endpoint target;          // forward, resolved by the control thread
  bool count = false;       // forward: count `resources` on the source destination
  ping_policy ping;         // balance, forward
};

// What the rules look at. Views into the message; nothing is copied.
struct rule_input {
  const sip::message_view* message = nullptr;
  const sip::routing_view* view = nullptr;
  endpoint source;
  const snapshot* world = nullptr; // for from_destination
};

inline constexpr std::size_t max_rule_resources = 8;

// What they decided. `rule` is the deciding rule, nullptr where nothing matched (404).
struct rule_decision {
  const rule_model* rule = nullptr;
  std::array<std::uint16_t, max_rule_resources> resources{}; // resource_id, in order of adding
  std::uint8_t resource_count = 0;
  bool unknown_resource = false; // a name that no destination of the snapshot has, or twice
  std::uint32_t source_destination = 0xffffffff; // destination_index the call comes from
};

// What Hyperscan has made of patterns: immutable, for as many sets of rules as have the same ones.
struct compiled_patterns;

class compiled_rules {
 public:
  static constexpr std::size_t whole_rule = static_cast<std::size_t>(-1);
  struct error {
    std::size_t rule = 0;      // index into the models
    std::size_t condition = 0; // index into its conditions, or whole_rule
    std::string message;       // the pattern and what Hyperscan says, with the place in it
  };

  // Runs in the control thread. On any error returns nullptr with every error in `errors`.
  // Resource names are translated by their place in `resource_names`; a name that is not there
  // gives unknown_resource when a call asks for it. Scratch for `workers` is allocated here.
  // Patterns of a field that `known` has as they are here are not compiled again.
  [[nodiscard]] static std::unique_ptr<const compiled_rules>
  compile(std::vector<rule_model> models, const std::vector<std::string>& resource_names,
          std::size_t workers, std::vector<error>& errors,
          const compiled_patterns* known = nullptr);
  ~compiled_rules();

  // Packet path: allocates nothing. `worker` picks the scratch.
  [[nodiscard]] rule_decision decide(const rule_input& input, std::size_t worker) const noexcept;
  [[nodiscard]] const std::vector<rule_model>& models() const noexcept;
  [[nodiscard]] std::shared_ptr<const compiled_patterns> patterns() const;
  // Whether any rule drops, so that requests which are no INVITE have to be decided too.
  [[nodiscard]] bool any_drops() const noexcept;

  struct state;

 private:
  explicit compiled_rules(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

} // namespace linehunt

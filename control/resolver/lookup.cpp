// SPDX-License-Identifier: Apache-2.0
// See lookup.h.
#include "control/resolver/lookup.h"

#include "control/resolver/srv_order.h"

#include <algorithm>
#include <fmt/format.h>

namespace linehunt::dns {
namespace {

constexpr std::uint16_t sip_port = 5060;
constexpr std::uint32_t shares_of_a_target = 100; // divided among its addresses

class lookup : public std::enable_shared_from_this<lookup> {
 public:
  lookup(std::shared_ptr<dns_client> client, const sip_name& name, address_families families,
         std::function<void(lookup_result)> then)
      : client_(std::move(client)), name_(name), families_(families), then_(std::move(then)) {}

  void start() {
    if (name_.port != 0) return ask_hosts({{name_.host, name_.port, 0, 1}});
    if (name_.names_udp) {
      names_ = srv_names({}, name_.host);
      return ask_srv();
    }
    client_->ask(name_.host, dns_type::naptr, [self = shared_from_this()](dns_reply reply) {
      // Some servers and some boxes in between know no NAPTR, and are silent or refuse: what SRV
      // and addresses say then is good enough.
      if (reply.what == dns_reply::kind::records) self->note_ttl(reply.ttl_s);
      self->names_ = srv_names(std::move(reply.records), self->name_.host);
      self->ask_srv();
    });
  }

 private:
  struct answers {
    std::vector<ip_address> v4, v6;
  };

  void ask_srv() {
    if (name_at_ == names_.size()) return ask_hosts({{name_.host, sip_port, 0, 1}});
    client_->ask(names_[name_at_], dns_type::srv,
                 [self = shared_from_this()](dns_reply reply) { self->on_srv(std::move(reply)); });
  }

  void on_srv(dns_reply reply) {
    const std::string& name = names_[name_at_++];
    switch (reply.what) {
    case dns_reply::kind::failed:
      // Going on without would reach other machines, or another port, for want of one packet.
      return fail(fmt::format("{}: {}", name, reply.cause));
    case dns_reply::kind::none:
      return ask_srv();
    case dns_reply::kind::records:
      break;
    }
    note_ttl(reply.ttl_s);
    std::erase_if(reply.records,
                  [](const dns_record& r) { return r.target.empty() || r.port == 0; });
    if (reply.records.empty())
      return none(fmt::format("{} says that there is no SIP over UDP", name), reply.ttl_s);
    ask_hosts(in_order(std::move(reply.records)));
  }

  void ask_hosts(std::vector<srv_target> targets) {
    targets_ = std::move(targets);
    answers_.resize(targets_.size());
    // All are counted first: an answer may find the count at zero only when it is the last.
    open_ = targets_.size() * ((families_.v4 ? 1 : 0) + (families_.v6 ? 1 : 0));
    if (open_ == 0) return none("linehunt listens on no address", 0);
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      if (families_.v4) ask_host(i, dns_type::a);
      if (families_.v6) ask_host(i, dns_type::aaaa);
    }
  }

  void ask_host(std::size_t target, dns_type type) {
    client_->ask(targets_[target].host, type,
                 [self = shared_from_this(), target, type](dns_reply reply) {
                   self->on_host(target, type, std::move(reply));
                 });
  }

  void on_host(std::size_t target, dns_type type, dns_reply reply) {
    const std::string& host = targets_[target].host;
    if (reply.what == dns_reply::kind::failed) {
      failure_ = fmt::format("{}: {}", host, reply.cause);
    } else if (reply.what == dns_reply::kind::none) {
      negative_ttl_s_ = std::min(negative_ttl_s_, reply.ttl_s);
      nothing_ = fmt::format("{}: {}", host, reply.cause);
    } else {
      note_ttl(reply.ttl_s);
      for (const dns_record& record : reply.records)
        (type == dns_type::a ? answers_[target].v4 : answers_[target].v6).push_back(record.ip);
    }
    if (--open_ == 0) finish();
  }

  void finish() {
    lookup_result result;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      answers& at = answers_[i];
      std::ranges::sort(at.v4);
      std::ranges::sort(at.v6);
      std::vector<ip_address> all = std::move(at.v4);
      all.insert(all.end(), at.v6.begin(), at.v6.end());
      const auto count = static_cast<std::uint32_t>(all.size());
      for (const ip_address& ip : all)
        add(result.where, {ip, targets_[i].port},
            {targets_[i].rank, std::max(targets_[i].share * shares_of_a_target / count, 1U)});
    }
    if (result.where.addresses.empty()) {
      if (!failure_.empty()) return fail(failure_);
      return none(nothing_, negative_ttl_s_);
    }
    result.what = lookup_result::kind::found;
    result.in_part = !failure_.empty();
    result.cause = failure_;
    result.ttl_s = ttl_s_;
    then_(std::move(result));
  }

  static void add(found_addresses& to, const endpoint& address, address_turn turn) {
    const auto same = std::ranges::find(to.addresses, address);
    if (same != to.addresses.end()) {
      address_turn& known = to.turns[static_cast<std::size_t>(same - to.addresses.begin())];
      const std::uint64_t sum = std::uint64_t{known.share} + turn.share;
      if (known.rank == turn.rank)
        known.share = static_cast<std::uint32_t>(std::min<std::uint64_t>(sum, 0xffffffffU));
    } else if (to.addresses.size() < max_addresses) {
      to.addresses.push_back(address);
      to.turns.push_back(turn);
    }
  }

  void note_ttl(std::uint32_t ttl_s) { ttl_s_ = std::min(ttl_s_, ttl_s); }
  void fail(std::string cause) {
    then_({lookup_result::kind::failed, {}, false, 0, std::move(cause)});
  }
  void none(std::string cause, std::uint32_t ttl_s) {
    then_({lookup_result::kind::none, {}, false, ttl_s, std::move(cause)});
  }

  std::shared_ptr<dns_client> client_;
  sip_name name_;
  address_families families_;
  std::function<void(lookup_result)> then_;

  std::vector<std::string> names_; // to ask for SRV
  std::size_t name_at_ = 0;
  std::vector<srv_target> targets_;
  std::vector<answers> answers_; // beside targets_
  std::size_t open_ = 0;         // questions
  std::uint32_t ttl_s_ = 0x7fffffff, negative_ttl_s_ = 0x7fffffff;
  std::string failure_, nothing_; // the last ones
};

} // namespace

void look_up(std::shared_ptr<dns_client> client, const sip_name& name, address_families families,
             std::function<void(lookup_result)> then) {
  std::make_shared<lookup>(std::move(client), name, families, std::move(then))->start();
}

} // namespace linehunt::dns

// SPDX-License-Identifier: Apache-2.0
// Every packet ends in exactly one verdict, each verdict has one counter, and the counters add up:
// packets received = sum of all verdicts. Frames are judged by dataplane/dpdk, messages by the
// engine; one list, so that an operator reads one table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace linehunt {

// X(name, what an operator should read)
#define LINEHUNT_VERDICTS(X)                                                                       \
  /* SIP, done */                                                                                  \
  X(request_forwarded, "request sent on")                                                          \
  X(request_of_another_run, "request of a call from before this start, sent on")                   \
  X(response_forwarded, "response sent on")                                                        \
  X(request_answered, "request answered by us")                                                    \
  X(request_parked, "INVITE waits for a lease, or to hear where the call is that it replaces")     \
  X(retransmission_absorbed, "retransmission, nothing new to do")                                  \
  X(retransmission_answered, "retransmission, last reply repeated")                                \
  X(response_consumed, "response to a request of ours, or taken for failover")                     \
  X(ack_absorbed, "ACK of a failure reply")                                                        \
  X(keep_alive, "CRLF or empty datagram")                                                          \
  /* SIP, refused with a reply */                                                                  \
  X(rejected_malformed, "400, 416, 420, 505: broken or unsupported request")                       \
  X(rejected_max_forwards, "483 Too Many Hops")                                                    \
  X(rejected_loop, "482: an INVITE has come back for the fourth time; see who sends it")           \
  X(rejected_no_rule, "404: no rule matched")                                                      \
  X(rejected_by_rule, "reply by a rule")                                                           \
  X(rejected_method, "405 Method Not Allowed")                                                     \
  X(rejected_no_capacity, "Service full: destinations, but no free line")                          \
  X(rejected_overload, "503: every destination that has a line sheds calls")                       \
  X(rejected_no_destination, "Service full: no usable destination")                                \
  X(rejected_unknown_resource,                                                                     \
    "Service full: no destination has that resource, or it is needed twice")                       \
  X(rejected_no_dialog, "481: unknown call or transaction")                                        \
  X(rejected_table_full, "503: call or transaction table full")                                    \
  X(rejected_too_long, "513, or a reply that does not fit")                                        \
  /* SIP, dropped */                                                                               \
  X(dropped_not_sip, "not a SIP message")                                                          \
  X(dropped_malformed, "broken response or ACK, or a broken request that no answer would reach")   \
  X(dropped_foreign_via, "response whose topmost Via is not ours or is not genuine")               \
  X(dropped_stray_response, "response without a transaction of ours")                              \
  X(dropped_stray_ack, "ACK outside any call")                                                     \
  X(dropped_wrong_source, "BYE, CANCEL, ACK or response from a stranger")                          \
  X(dropped_excess_dialog, "2xx that would make a ninth dialog, or one without room for it")       \
  X(dropped_no_route, "next hop cannot be resolved or reached")                                    \
  X(dropped_draining, "503: new call while linehunt drains")                                       \
  X(dropped_by_rule, "request that a rule drops without an answer")                                \
  /* Frames */                                                                                     \
  X(arp_handled, "ARP for us")                                                                     \
  X(ndp_handled, "IPv6 neighbour or group discovery for us")                                       \
  X(icmp_answered, "echo request answered")                                                        \
  X(icmp_ignored, "other ICMP or ICMPv6")                                                          \
  X(tcp_refused, "TCP connection refused: SIP goes on with UDP")                                   \
  X(path_mtu_learnt, "a router says that packets to somebody must be smaller")                     \
  X(fragment_kept, "IP fragment waiting for the rest")                                             \
  X(dropped_fragment, "IP fragment that cannot be put together, or came twice")                    \
  X(dropped_short_frame, "shorter than its headers say")                                           \
  X(dropped_ethertype, "not IPv4, IPv6 or ARP")                                                    \
  X(dropped_other_mac, "for another station, or from none")                                        \
  X(dropped_other_vlan, "of a VLAN that is not ours")                                              \
  X(dropped_other_ip, "for an address that is not ours")                                           \
  X(dropped_other_link, "from an address of another port's network")                               \
  X(dropped_bad_ip_header, "IP version, length, options, addresses or checksum wrong")             \
  X(dropped_bad_udp_checksum, "UDP checksum or length wrong")                                      \
  X(dropped_other_protocol, "neither UDP, ICMP nor a SYN of TCP")                                  \
  X(dropped_other_port, "UDP port nobody listens on")                                              \
  X(dropped_ring_full, "the owner's ring was full")                                                \
  X(dropped_overload, "new call while a worker cannot keep up")

enum class verdict : std::uint8_t {
#define LINEHUNT_VERDICT(name, text) name,
  LINEHUNT_VERDICTS(LINEHUNT_VERDICT)
#undef LINEHUNT_VERDICT
      count_,
};
inline constexpr std::size_t verdict_count = static_cast<std::size_t>(verdict::count_);

[[nodiscard]] std::string_view name_of(verdict v) noexcept;
[[nodiscard]] std::string_view meaning_of(verdict v) noexcept;

} // namespace linehunt

// SPDX-License-Identifier: Apache-2.0
// The parsers that are measured against each other. Each does the same: reads one message from its
// bytes and gets at the fields of the routing view. `parse` is what is timed; `read` says what was
// found, for the comparison before anything is timed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace linehunt::bench {

struct summary {
  std::string method; // of a request
  unsigned status = 0;
  std::string transport, via_host, branch, call_id, from_tag, to_tag, cseq_method, top_route;
  unsigned via_port = 0, cseq = 0, max_forwards = 0xffff, content_length = 0;
  bool operator==(const summary&) const = default;
};

// Each returns a number made of the fields it has read, so that none of that work is left out; 0
// where the message was refused.
std::uint64_t parse_linehunt(std::string_view bytes);
std::uint64_t parse_osip(std::string_view bytes);
std::uint64_t parse_sofia(std::string_view bytes);
// Not a parser: the cost of finding the line ends with memchr.
std::uint64_t count_lines(std::string_view bytes);

std::optional<summary> read_linehunt(std::string_view bytes);
std::optional<summary> read_osip(std::string_view bytes);
std::optional<summary> read_sofia(std::string_view bytes);

void prepare_osip();

} // namespace linehunt::bench

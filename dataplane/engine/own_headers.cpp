// SPDX-License-Identifier: Apache-2.0
// Via and Record-Route of ours.
#include "dataplane/engine/own_headers.h"

#include "dataplane/engine/routes.h"
#include "sipparse/build.h"

namespace linehunt::calls {
namespace {

void write_via(sip::writer& text, const snapshot& world, listener_index out,
               std::string_view branch, bool offer_overload) noexcept {
  text << "Via: SIP/2.0/UDP " << world.listeners[out].sent_by << ";branch=" << branch
       << (offer_overload ? ";oc;oc-algo=\"loss\"\r\n" : "\r\n");
}

void write_record_route(sip::writer& text, const snapshot& world, listener_index at,
                        std::uint64_t handle) noexcept {
  std::array<char, handle_digits> hex;
  write_hex(handle, hex.data());
  text << "Record-Route: <sip:" << world.listeners[at].sent_by << own_route_parameters
       << std::string_view{hex.data(), hex.size()} << ">\r\n";
}

} // namespace

own_headers make_via(const snapshot& world, listener_index out, std::string_view branch,
                     bool offer_overload) noexcept {
  own_headers lines;
  sip::writer text{lines.bytes};
  write_via(text, world, out, branch, offer_overload);
  lines.len = text.size();
  return lines;
}

own_headers make_invite_headers(const snapshot& world, listener_index in, listener_index out,
                                std::string_view branch, std::uint64_t handle,
                                bool offer_overload) noexcept {
  own_headers lines;
  sip::writer text{lines.bytes};
  write_via(text, world, out, branch, offer_overload);
  write_record_route(text, world, out, handle);
  if (in != out) write_record_route(text, world, in, handle);
  lines.len = text.size();
  return lines;
}

} // namespace linehunt::calls

// SPDX-License-Identifier: Apache-2.0
// sofia-sip 1.12.11: msg_make, which parses all headers, and the fields of its sip_t.
#include "parse_contenders.h"

#include <cstdlib>
#include <sofia-sip/msg.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>

namespace linehunt::bench {
namespace {

std::string_view view(const char* text) {
  return text ? std::string_view(text) : std::string_view{};
}

class sofia_message {
 public:
  explicit sofia_message(std::string_view bytes)
      : message_(
            msg_make(sip_default_mclass(), 0, bytes.data(), static_cast<issize_t>(bytes.size()))),
        sip_(message_ ? sip_object(message_) : nullptr) {}
  ~sofia_message() { msg_destroy(message_); }
  sofia_message(const sofia_message&) = delete;
  sofia_message& operator=(const sofia_message&) = delete;

  [[nodiscard]] bool ok() const {
    return sip_ != nullptr && (sip_->sip_flags & MSG_FLG_ERROR) == 0 && sip_->sip_via != nullptr &&
           sip_->sip_from != nullptr && sip_->sip_to != nullptr && sip_->sip_cseq != nullptr &&
           sip_->sip_call_id != nullptr;
  }
  const sip_t* operator->() const { return sip_; }

 private:
  msg_t* message_;
  sip_t* sip_;
};

unsigned number(const char* text) {
  return text ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : 0;
}

} // namespace

std::uint64_t parse_sofia(std::string_view bytes) {
  const sofia_message m(bytes);
  if (!m.ok()) return 0;
  return 1 + view(m->sip_via->v_branch).size() + number(m->sip_via->v_port) +
         view(m->sip_call_id->i_id).size() + view(m->sip_from->a_tag).size() +
         view(m->sip_to->a_tag).size() + m->sip_cseq->cs_seq +
         (m->sip_max_forwards ? m->sip_max_forwards->mf_count : 0xffffU) +
         (m->sip_route ? view(m->sip_route->r_url->url_host).size() : 0) +
         (m->sip_content_length ? m->sip_content_length->l_length : 0) +
         (m->sip_status ? static_cast<unsigned>(m->sip_status->st_status) : 0);
}

std::optional<summary> read_sofia(std::string_view bytes) {
  const sofia_message m(bytes);
  if (!m.ok()) return std::nullopt;
  summary s;
  if (m->sip_request) s.method = view(m->sip_request->rq_method_name);
  if (m->sip_status) s.status = static_cast<unsigned>(m->sip_status->st_status);
  const std::string_view protocol = view(m->sip_via->v_protocol);
  s.transport = protocol.substr(protocol.rfind('/') + 1);
  std::string_view host = view(m->sip_via->v_host);
  if (!host.empty() && host.front() == '[') host = host.substr(1, host.size() - 2);
  s.via_host = host;
  s.via_port = number(m->sip_via->v_port);
  s.branch = view(m->sip_via->v_branch);
  s.call_id = view(m->sip_call_id->i_id);
  s.from_tag = view(m->sip_from->a_tag);
  s.to_tag = view(m->sip_to->a_tag);
  s.cseq = m->sip_cseq->cs_seq;
  s.cseq_method = view(m->sip_cseq->cs_method_name);
  if (m->sip_max_forwards) s.max_forwards = static_cast<unsigned>(m->sip_max_forwards->mf_count);
  if (m->sip_route) {
    su_home_t home[1] = {SU_HOME_INIT(home)};
    s.top_route = view(url_as_string(home, m->sip_route->r_url));
    su_home_deinit(home);
  }
  if (m->sip_content_length) s.content_length = m->sip_content_length->l_length;
  return s;
}

} // namespace linehunt::bench

// SPDX-License-Identifier: Apache-2.0
// libosip2 5.3: osip_message_parse and the accessors of the fields.
#include "parse_contenders.h"

#include <cstdlib>
#include <cstring>
#include <osipparser2/osip_message.h>
#include <osipparser2/osip_parser.h>

namespace linehunt::bench {
namespace {

std::string_view view(const char* text) {
  return text ? std::string_view(text) : std::string_view{};
}

std::string_view parameter(osip_list_t* list, const char* name) {
  std::string copy(name);
  osip_generic_param_t* found = nullptr;
  osip_generic_param_get_byname(list, copy.data(), &found);
  return found ? view(found->gvalue) : std::string_view{};
}

class osip_message {
 public:
  explicit osip_message(std::string_view bytes) {
    osip_message_init(&message_);
    ok_ = osip_message_parse(message_, bytes.data(), bytes.size()) == 0;
  }
  ~osip_message() { osip_message_free(message_); }
  osip_message(const osip_message&) = delete;
  osip_message& operator=(const osip_message&) = delete;

  [[nodiscard]] bool ok() const { return ok_; }
  osip_message_t* operator->() const { return message_; }
  [[nodiscard]] osip_via_t* top_via() const {
    return static_cast<osip_via_t*>(osip_list_get(&message_->vias, 0));
  }
  [[nodiscard]] osip_route_t* top_route() const {
    return static_cast<osip_route_t*>(osip_list_get(&message_->routes, 0));
  }
  [[nodiscard]] std::string_view max_forwards() const {
    // What the macro osip_message_get_max_forwards does, without its C casts.
    osip_header_t* h = nullptr;
    osip_message_header_get_byname(message_, "max-forwards", 0, &h);
    return h ? view(h->hvalue) : std::string_view{};
  }

 private:
  osip_message_t* message_ = nullptr;
  bool ok_ = false;
};

unsigned number(std::string_view text) {
  return text.empty() ? 0 : static_cast<unsigned>(std::strtoul(text.data(), nullptr, 10));
}

} // namespace

void prepare_osip() {
  parser_init();
}

std::uint64_t parse_osip(std::string_view bytes) {
  const osip_message m(bytes);
  if (!m.ok()) return 0;
  const auto* via = m.top_via();
  const auto* route = m.top_route();
  const std::string_view port = view(via->port);
  return 1 + parameter(&m.top_via()->via_params, "branch").size() + number(port) +
         view(m->call_id->number).size() + parameter(&m->from->gen_params, "tag").size() +
         parameter(&m->to->gen_params, "tag").size() + number(view(m->cseq->number)) +
         number(m.max_forwards()) + (route && route->url ? view(route->url->host).size() : 0) +
         (m->content_length ? number(view(m->content_length->value)) : 0) +
         static_cast<unsigned>(m->status_code);
}

std::optional<summary> read_osip(std::string_view bytes) {
  const osip_message m(bytes);
  if (!m.ok()) return std::nullopt;
  summary s;
  s.method = view(m->sip_method);
  s.status = static_cast<unsigned>(m->status_code);
  s.transport = view(m.top_via()->protocol);
  s.via_host = view(m.top_via()->host);
  s.via_port = number(view(m.top_via()->port));
  s.branch = parameter(&m.top_via()->via_params, "branch");
  s.call_id = view(m->call_id->number);
  if (m->call_id->host) s.call_id.append("@").append(m->call_id->host);
  s.from_tag = parameter(&m->from->gen_params, "tag");
  s.to_tag = parameter(&m->to->gen_params, "tag");
  s.cseq = number(view(m->cseq->number));
  s.cseq_method = view(m->cseq->method);
  if (!m.max_forwards().empty()) s.max_forwards = number(m.max_forwards());
  if (const auto* route = m.top_route()) {
    char* text = nullptr;
    if (osip_uri_to_str(route->url, &text) == 0) s.top_route = text;
    osip_free(text);
  }
  if (m->content_length) s.content_length = number(view(m->content_length->value));
  return s;
}

} // namespace linehunt::bench

// SPDX-License-Identifier: Apache-2.0
// See engine_script.h; engine_seeds.cpp writes the same bytes, so both change together. Messages
// are made from few names, so that they meet each other: four calls, four branches, and answers and
// further requests to what has left the node before.
#include "tests/fuzz/engine_script.h"

#include "sipparse/scan.h"
#include "tests/fuzz/engine_node.h"

#include <algorithm>
#include <array>

namespace linehunt::fuzz {

namespace {

constexpr std::size_t most_steps = 200;

class script {
 public:
  explicit script(std::string_view bytes) : rest_(bytes) {}

  script_result run() {
    for (std::size_t step = 0; step < most_steps && !rest_.empty(); ++step) {
      one_step();
      if (!node_.violated().empty()) break;
    }
    if (node_.violated().empty()) node_.settle();
    script_result result;
    result.violated = node_.violated();
    for (worker_id w = 0; w < worker_count; ++w) {
      const engine_counters& counted = node_.counters(w);
      for (std::size_t v = 0; v < verdict_count; ++v) {
        result.datagrams += counted.verdicts[v];
        result.verdicts[v] += counted.verdicts[v];
      }
      for (std::size_t cause = 0; cause < end_cause_count; ++cause)
        result.ended[cause] += counted.ended_by[cause];
      result.calls_started += counted.calls_started;
      result.calls_answered += counted.calls_answered;
      result.failovers += counted.failovers;
      result.calls_replacing += counted.calls_replacing;
    }
    return result;
  }

 private:
  std::uint8_t next() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }
  template <class List>
  const auto& one_of(const List& list) {
    return list[next() % std::size(list)];
  }
  bool maybe() { return next() % 2 == 1; }

  void one_step() {
    switch (next() % 12) {
    case 0:
    case 1:
      return give(invite());
    case 2:
    case 3:
    case 4:
      return answer();
    case 5:
    case 6:
      return within_call();
    case 7:
      return hop_request();
    case 8:
      return node_.wait_ms(std::uint64_t{1} << next() % 16);
    case 9:
      return administer();
    case 10:
      return raw();
    default:
      return repeat_changed();
    }
  }

  void give(const std::string& bytes) {
    static const std::vector<endpoint> sources{
        *parse_endpoint("198.51.100.7", 5060), *parse_endpoint("192.0.2.11", 5060),
        *parse_endpoint("192.0.2.12", 5060),   *parse_endpoint("[2001:db8::13]", 5060),
        *parse_endpoint("203.0.113.66", 99),   *parse_endpoint("[2001:db8::66]", 5060)};
    last_given_ = bytes;
    // One byte after the other: compilers differ in the order of arguments.
    const endpoint& from = one_of(sources);
    const auto listener = static_cast<listener_index>(next() % 8 == 0);
    node_.give(bytes, from, listener);
  }

  std::string top(std::string_view method, std::string_view uri) {
    std::string out = std::string(method) + " " + std::string(uri) + " SIP/2.0\r\n";
    out += "Via: SIP/2.0/UDP 198.51.100.7";
    out += maybe() ? ";rport" : "";
    out += ";branch=z9hG4bK" + std::string(1, static_cast<char>('a' + next() % 4)) + "\r\n";
    return out;
  }

  // Call-ID and tags of one of four calls; INVITE, and CANCEL and ACK of it, say the same.
  std::string outside(std::string_view method, std::string_view extra) {
    const std::string call(1, static_cast<char>('a' + next() % 4));
    static constexpr std::array<std::string_view, 4> users{"1", "2", "3", "x"};
    const std::string uri = "sip:" + std::string(one_of(users)) + "@192.0.2.1";
    return top(method, uri) + "From: <sip:a@a.example>;tag=f" + call + "\r\nTo: <" + uri +
           ">\r\nCall-ID: " + call + "\r\nCSeq: 1 " + std::string(method) + "\r\n" +
           std::string(extra) + "Content-Length: 0\r\n\r\n";
  }

  std::string invite() {
    static constexpr std::array<std::string_view, 7> extras{
        "Contact: <sip:a@198.51.100.7>\r\n",
        "Contact: <sip:a@198.51.100.7>\r\nSession-Expires: 90\r\n",
        "Contact: <sip:a@198.51.100.7>\r\nRecord-Route: <sip:198.51.100.8;lr>\r\n",
        "Contact: <sip:a@198.51.100.7>\r\nRecord-Route: <sip:198.51.100.8>\r\n",
        "Max-Forwards: 0\r\n",
        "Route: <sip:192.0.2.1;lr>\r\nContact: *\r\n",
        "Proxy-Require: x\r\n"};
    const std::uint8_t choice = next();
    std::string extra(extras[choice % extras.size()]);
    // The last four: in the place of one of the four calls.
    if (choice >= 252) {
      const char call = static_cast<char>('a' + choice % 4);
      ((extra += "Replaces: ") += call) += ";to-tag=u;from-tag=f";
      (extra += call) += "\r\n";
    }
    return outside("INVITE", extra);
  }

  void hop_request() {
    static constexpr std::array<std::string_view, 4> methods{"CANCEL", "ACK", "OPTIONS", "BYE"};
    give(outside(one_of(methods), ""));
  }

  // One of the last messages that left: mostly one of the newest two that begin so, otherwise any;
  // null where none has left.
  const sent_message* earlier(std::string_view beginning) {
    const auto& sent = node_.sent();
    if (sent.empty()) return nullptr;
    const std::uint8_t choice = next();
    if (choice % 4 != 0) {
      const auto fits = [&](const sent_message& m) { return m.bytes.starts_with(beginning); };
      auto found = std::find_if(sent.rbegin(), sent.rend(), fits);
      if (found != sent.rend() && choice % 4 == 3) {
        const auto before = std::find_if(std::next(found), sent.rend(), fits);
        if (before != sent.rend()) found = before;
      }
      if (found != sent.rend()) return &*found;
    }
    return &sent[sent.size() - 1 - choice / 4 % sent.size()];
  }

  static std::string lines(const sip::message_view& view,
                           std::initializer_list<sip::header_id> ids) {
    std::string out;
    for (const sip::header_id id : ids)
      for (std::size_t i = 0; i < view.header_count; ++i)
        if (view.headers[i].id == id) out += view.text(view.headers[i].line);
    return out;
  }

  void answer() {
    using sip::header_id;
    static constexpr std::array<std::string_view, 4> likely{"INVITE", "INVITE", "BYE", "OPTIONS"};
    const sent_message* request = earlier(one_of(likely));
    sip::message_view view;
    if (!request || !sip::scan(request->bytes, view) || !view.is_request) return;
    static constexpr std::array<int, 14> codes{100, 180, 183, 200, 200, 202, 302,
                                               404, 408, 481, 486, 487, 503, 600};
    static constexpr std::array<std::string_view, 7> extras{
        "Contact: <sip:m@192.0.2.99>\r\n",
        "",
        "Contact: <sip:m@192.0.2.11>\r\nSession-Expires: 90\r\n",
        "Retry-After: 1\r\n",
        "Contact: <sip:m@host.example>\r\n",
        "X-Overload: 1\r\n",
        "Contact: <sip:m@192.0.2.99>\r\nSession-Expires: 4294967295\r\n"};
    std::string out = "SIP/2.0 " + std::to_string(one_of(codes)) + " Answer\r\n";
    out += lines(view, {header_id::via, header_id::record_route, header_id::from,
                        header_id::call_id, header_id::cseq});
    out += "To: " + std::string(view.value_of(header_id::to));
    if (out.find(";tag=", out.rfind("To: ")) == std::string::npos)
      out += maybe() ? ";tag=t" : ";tag=u";
    const std::string_view extra = one_of(extras);
    out += "\r\n" + std::string(extra) + "Content-Length: 0\r\n\r\n";
    // The Via that offers overload control gets an answer to that.
    constexpr std::string_view offer = ";oc;";
    if (const std::size_t at = out.find(offer); at != out.npos && extra.starts_with("X-Overload"))
      out.replace(at, offer.size(), ";oc=70;oc-validity=4000;");
    // Mostly from where the request went.
    if (next() % 8 == 0) return give(out);
    last_given_ = out;
    node_.give(out, request->to, request->to.ip.is_v6 ? 1 : 0);
  }

  void within_call() {
    using sip::header_id;
    const sent_message* about = earlier("SIP/2.0 2");
    sip::message_view view;
    if (!about || !sip::scan(about->bytes, view)) return;
    static constexpr std::array<std::string_view, 7> methods{
        "BYE", "ACK", "INVITE", "UPDATE", "OPTIONS", "CANCEL", "PRACK"};
    static constexpr std::array<std::string_view, 4> uris{"sip:m@192.0.2.99", "sip:a@198.51.100.7",
                                                          "sip:192.0.2.1", "sip:somewhere.example"};
    const auto method = one_of(methods);
    std::string out = top(method, one_of(uris));
    const std::string from(view.value_of(maybe() ? header_id::from : header_id::to));
    const std::string to(
        view.value_of(view.value_of(header_id::from) == from ? header_id::to : header_id::from));
    out += "From: " + from + "\r\nTo: " + to + "\r\n" + lines(view, {header_id::call_id});
    out += "CSeq: " + std::to_string(1 + next() % 3) + " " + std::string(method) + "\r\n";
    if (maybe())
      for (std::size_t i = 0; i < view.header_count; ++i)
        if (view.headers[i].id == header_id::record_route)
          out += "Route: " + std::string(view.text(view.headers[i].value)) + "\r\n";
    out += maybe() ? "Contact: <sip:new@198.51.100.9>\r\n" : "";
    give(out + "Content-Length: 0\r\n\r\n");
  }

  void administer() {
    mail what;
    what.from = max_workers;
    switch (next() % 9) {
    case 0:
      what.kind = mail_kind::set_enabled;
      what.subject = next() % 10;
      what.value = next() % 2;
      return node_.control(what);
    case 1:
      what.kind = mail_kind::resize;
      what.slot = next() % 6;
      what.value = next() % 4;
      return node_.control(what);
    case 2: {
      const auto handles = node_.call_handles();
      what.kind = mail_kind::end_call;
      what.subject = handles.empty() ? next() : one_of(handles);
      return node_.control(what);
    }
    case 3:
      what.kind = mail_kind::send_probe;
      what.subject = next() % 10;
      what.value = 1 + next();
      return node_.control(what);
    case 4:
      return node_.drain(maybe());
    case 7:
      what.kind = mail_kind::pause;
      what.subject = next() % 10;
      what.value = next() % 16;
      return node_.control(what);
    case 8:
      what.kind = mail_kind::overload;
      what.slot = next() % 10;
      what.flags = next() % 101;
      what.value = 100 * next();
      return node_.control(what);
    default:
      return node_.reload(next());
    }
  }

  void raw() {
    const std::size_t len = next() % 64;
    const std::string bytes(rest_.substr(0, len));
    rest_.remove_prefix(bytes.size());
    give(bytes);
  }

  // The last datagram or a message of ours, with up to three bytes changed or its end cut off.
  void repeat_changed() {
    const sent_message* ours = maybe() ? earlier("") : nullptr;
    std::string bytes = ours ? ours->bytes : last_given_;
    if (bytes.empty()) return;
    for (unsigned changes = next() % 4; changes > 0; --changes) {
      const std::size_t high = next();
      bytes[(high << 8 | next()) % bytes.size()] = static_cast<char>(next());
    }
    if (next() % 4 == 0) {
      const std::size_t high = next();
      bytes.resize((high << 8 | next()) % bytes.size());
    }
    give(bytes);
  }

  std::string_view rest_;
  engine_node node_;
  std::string last_given_;
};

} // namespace

script_result run_engine_script(std::string_view bytes) {
  return script(bytes).run();
}

} // namespace linehunt::fuzz

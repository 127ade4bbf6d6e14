// SPDX-License-Identifier: Apache-2.0
// See engine_seeds.h. A byte is read modulo the number of choices that there are.
#include "tests/fuzz/engine_seeds.h"

#include <initializer_list>

namespace linehunt::fuzz {

namespace {

constexpr int no = 0, yes = 1;
// Places in the lists of engine_script.cpp.
enum source { caller = 0, machine_1 = 1, machine_2 = 2, machine_3 = 3, stranger = 4 };
enum user { one_line = 0, two_lines = 1, nobody = 2, unknown_user = 3 };
enum extra { plain = 0, timed = 1, behind_proxy = 2, behind_strict = 3, replacing_call = 252 };
enum asked { of_invite = 0, of_bye = 2, of_options = 3 };
enum status {
  s100 = 0,
  s180 = 1,
  s183 = 2,
  s200 = 3,
  s404 = 7,
  s408 = 8,
  s481 = 9,
  s486 = 10,
  s487 = 11,
  s503 = 12,
  s600 = 13
};
enum method { bye = 0, ack = 1, reinvite = 2, update = 3 };
enum hop { cancel = 0, hop_ack = 1 };
enum answer_extra { contact = 0, nothing = 1, session = 2, retry_after = 3 };
constexpr int newest = 1, one_before = 3; // of the messages that begin so

class writer {
 public:
  std::string bytes;

  // And the time that a lease takes.
  writer& invite(int call, user to, extra what = plain, source from = caller) {
    return add({0, what, call, to, no, call, from, 1}).wait(0);
  }
  writer& answer(asked what, status code, answer_extra more = contact, int tag = 0,
                 int which = newest) {
    // The tag is asked for only where the request has none.
    add({2, what, which, code});
    if (what == of_invite) add({tag});
    return add({more, 1}).wait(0);
  }
  writer& within(method m, source from = caller, int cseq = 1, bool routes = true) {
    const int by_caller = from == caller ? yes : no;
    return add(
        {5, newest, m, by_caller ? 0 : 1, no, m, by_caller, cseq, routes ? yes : no, no, from, 1});
  }
  writer& hop_request(hop m, int call, user to, source from = caller) {
    return add({7, m, call, to, no, call, from, 1});
  }
  // 2^n milliseconds.
  writer& wait(int power) { return add({8, power}); }
  writer& enable(int destination, bool on) { return add({9, 0, destination, on ? 1 : 0}); }
  writer& resize(int slot, int lines) { return add({9, 1, slot, lines}); }
  writer& end_call(int which) { return add({9, 2, which}); }
  writer& probe(int destination) { return add({9, 3, destination, 7}); }
  writer& drain(bool on) { return add({9, 4, on ? 1 : 0}); }
  writer& reload(int configuration) { return add({9, 5, configuration}); }
  writer& again() { return add({11, no, 0, 1}); } // the last datagram as it was

  writer& up(int call, user to, extra what = plain, answer_extra more = contact) {
    return invite(call, to, what)
        .answer(of_invite, s180)
        .answer(of_invite, s200, more)
        .within(ack, caller, 0);
  }

 private:
  writer& add(std::initializer_list<int> choices) {
    for (const int choice : choices)
      bytes += static_cast<char>(choice);
    return *this;
  }
};

std::uint64_t ended(const script_result& r, end_cause cause) {
  return r.ended[static_cast<std::size_t>(cause)];
}

std::uint64_t judged(const script_result& r, verdict v) {
  return r.verdicts[static_cast<std::size_t>(v)];
}

auto ends_by(end_cause cause) {
  return [cause](const script_result& r) { return r.calls_answered > 0 && ended(r, cause) > 0; };
}

} // namespace

std::vector<engine_seed> engine_seeds() {
  std::vector<engine_seed> all;
  const auto seed = [&](std::string name, const writer& w,
                        std::function<bool(const script_result&)> reaches) {
    all.push_back({std::move(name), w.bytes, std::move(reaches)});
  };
  seed("basic-call", writer().up(0, one_line).within(bye).answer(of_bye, s200),
       ends_by(end_cause::bye));
  seed("bye-by-machine", writer().up(0, one_line).within(bye, machine_1).answer(of_bye, s200),
       ends_by(end_cause::bye));
  seed("strict-router",
       writer()
           .up(1, one_line, behind_strict)
           .within(update, machine_1)
           .end_call(0)
           .answer(of_bye, s200)
           .answer(of_bye, s200, contact, 0, one_before),
       ends_by(end_cause::admin));
  seed("session-runs-out",
       writer().up(2, two_lines, timed, session).wait(15).wait(15).wait(15).wait(15),
       ends_by(end_cause::session_expired));
  seed("offer-unanswered", writer().up(2, two_lines).within(update).wait(15).wait(15).wait(15),
       ends_by(end_cause::ping_lost));
  seed("offer-answered-408",
       writer()
           .up(2, two_lines)
           .within(reinvite)
           .answer(of_invite, s408)
           .wait(12)
           .answer(of_options, s481, contact, 0, one_before),
       ends_by(end_cause::ping_lost));
  seed("ping-answered-481", writer().up(3, one_line).wait(13).answer(of_options, s481),
       ends_by(end_cause::ping_lost));
  seed("ping-answered",
       writer()
           .up(0, one_line)
           .wait(13)
           .answer(of_options, s200)
           .answer(of_options, s200, contact, 0, one_before)
           .wait(12)
           .within(bye)
           .answer(of_bye, s200),
       ends_by(end_cause::bye));
  seed("ack-never-comes", writer().invite(0, one_line).answer(of_invite, s200).wait(15).wait(14),
       ends_by(end_cause::no_ack));
  seed("failover-answered",
       writer()
           .invite(0, one_line)
           .answer(of_invite, s503)
           .answer(of_invite, s180)
           .answer(of_invite, s200)
           .within(ack, caller, 0),
       [](const script_result& r) { return r.failovers > 0 && r.calls_answered > 0; });
  seed("failover-by-silence",
       writer()
           .invite(1, one_line)
           .wait(11)
           .answer(of_invite, s180)
           .answer(of_invite, s183, contact, 0, one_before)
           .wait(11)
           .hop_request(cancel, 1, one_line),
       [](const script_result& r) { return r.failovers > 0; });
  seed("late-2xx",
       writer()
           .invite(0, one_line)
           .wait(11)
           .answer(of_invite, s200, contact, 0, one_before)
           .within(ack, caller, 0),
       [](const script_result& r) { return r.calls_answered > 0; });
  seed("cancel",
       writer()
           .invite(0, one_line)
           .answer(of_invite, s180)
           .hop_request(cancel, 0, one_line)
           .answer(of_invite, s487)
           .hop_request(hop_ack, 0, one_line),
       [](const script_result& r) {
         return ended(r, end_cause::failed) > 0 && judged(r, verdict::ack_absorbed) > 0;
       });
  seed("cancel-before-provisional",
       writer()
           .invite(0, one_line)
           .hop_request(cancel, 0, one_line)
           .answer(of_invite, s100)
           .wait(10)
           .answer(of_invite, s487),
       [](const script_result& r) { return ended(r, end_cause::failed) > 0; });
  seed("parked-in-two-workers",
       writer()
           .invite(0, two_lines)
           .invite(1, two_lines)
           .invite(2, two_lines)
           .invite(3, two_lines)
           .wait(1)
           .wait(1)
           .answer(of_invite, s200)
           .wait(9),
       [](const script_result& r) { return judged(r, verdict::request_parked) > 0; });
  seed("reload-in-mid-call",
       writer()
           .up(0, two_lines)
           .reload(1)
           .up(1, one_line)
           .reload(2)
           .resize(0, 0)
           .enable(0, false)
           .within(bye)
           .answer(of_bye, s200)
           .reload(0)
           .wait(12),
       [](const script_result& r) { return r.calls_answered > 1; });
  {
    writer forks;
    forks.invite(0, one_line).answer(of_invite, s200);
    forks.within(ack, caller, 0).answer(of_invite, s200, contact, 1).within(ack, caller, 0);
    seed("two-dialogs", forks.within(bye).answer(of_bye, s200),
         [](const script_result& r) { return r.calls_answered > 0; });
  }
  seed("drained",
       writer().up(0, one_line).drain(true).invite(1, one_line).drain(false).probe(1).again(),
       [](const script_result& r) { return judged(r, verdict::dropped_draining) > 0; });
  seed("call-from-machine",
       writer()
           .invite(0, one_line, plain, machine_2)
           .answer(of_invite, s200)
           .within(ack, machine_2, 0),
       [](const script_result& r) { return r.calls_answered > 0; });
  // The calls are of both workers, so that one of the four has to ask.
  for (int call = 0; call < 2; ++call) {
    const auto in_its_place = static_cast<extra>(replacing_call + call);
    seed("replaces-call-" + std::to_string(call),
         writer()
             .up(call, one_line)
             .invite(2, one_line, in_its_place)
             .invite(3, one_line, in_its_place)
             .answer(of_invite, s200)
             .within(ack, caller, 0),
         [](const script_result& r) { return r.calls_replacing > 0 && r.calls_answered > 1; });
  }
  return all;
}

} // namespace linehunt::fuzz

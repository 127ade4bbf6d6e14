// SPDX-License-Identifier: Apache-2.0
// Runs many seeds of the simulation. A seed that fails prints itself and is the same every time.
#include "dataplane/engine/transaction_table.h"
#include "simulation.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

using namespace linehunt;
using namespace linehunt::sim;

namespace {

void print(const totals& t, std::uint64_t seeds) {
  const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
  std::printf(
      "seeds %llu, calls %llu, packets %llu, engine steps judged %llu (%llu in full), mails "
      "%llu, %.1f virtual hours\n",
      n(seeds), n(t.caller.begun), n(t.packets), n(t.steps), n(t.full_checks), n(t.mails),
      t.virtual_hours);
  std::printf(
      "  callers: answered %llu, failed %llu, unanswered %llu, gave up %llu, died %llu, "
      "never acknowledged %llu, crossed a CANCEL %llu, re-INVITEs %llu, second answers %llu (%llu "
      "kept; lines passed on to another dialog %llu)\n",
      n(t.caller.answered), n(t.caller.failed), n(t.caller.unanswered), n(t.caller.gave_up),
      n(t.caller.died), n(t.caller.never_acked), n(t.caller.crossed), n(t.caller.reinvites),
      n(t.caller.second_answers), n(t.caller.kept_second), n(t.passed_on));
  std::printf(
      "  callers: in IPv6 %llu, refreshes %llu, forgetful %llu, pings %llu, without Route %llu, "
      "behind a strict router %llu (%llu requests), behind proxies %llu (%llu)\n",
      n(t.ipv6_callers), n(t.caller.refreshes), n(t.caller.forgetful), n(t.caller.pings),
      n(t.caller.without_route), n(t.caller.strict), n(t.caller.strict_requests),
      n(t.caller.proxied), n(t.caller.proxied_requests));
  std::printf("  boxes: refreshes %llu, forgetful %llu, pings %llu, behind a strict router %llu "
              "(%llu requests)\n",
              n(t.box.refreshes), n(t.box.forgetful), n(t.box.pings), n(t.box.strict),
              n(t.box.strict_requests));
  std::printf(
      "  moves: of callers %llu (%llu requests to where they are now), of boxes %llu (%llu); "
      "overtaken by later requests to callers %llu, to boxes %llu; ACKs behind a BYE %llu, CANCELs "
      "behind the answer %llu, re-INVITEs that cross at callers %llu, at boxes %llu\n",
      n(t.caller.moves), n(t.caller.moved_requests), n(t.box.moves), n(t.box.moved_requests),
      n(t.caller.overtaken), n(t.box.overtaken), n(t.caller.late_acks), n(t.caller.late_cancels),
      n(t.caller.crossings), n(t.box.crossings));
  std::printf("  ends:");
  for (std::size_t i = 0; i < end_cause_count; ++i) {
    const std::string_view name = name_of(static_cast<end_cause>(i));
    std::printf(" %.*s %llu", static_cast<int>(name.size()), name.data(), n(t.ended[i]));
  }
  std::printf("\n");
  std::printf("  boxes: INVITEs %llu, repeated %llu, answered %llu, refused %llu, silent %llu, "
              "cancelled %llu, BYEs in %llu and out %llu, deaths %llu, probes %llu\n",
              n(t.box.invites), n(t.box.repeated), n(t.box.answered), n(t.box.refused),
              n(t.box.silent), n(t.box.cancelled), n(t.box.byes_in), n(t.box.byes_out),
              n(t.box.deaths), n(t.box.probes));
  std::printf(
      "  boxes: two answers %llu, asked for a pause %llu, for fewer calls %llu, passed back %llu\n",
      n(t.box.forked), n(t.box.asked_for_a_pause), n(t.box.asked_for_less), n(t.box.passed_back));
  std::printf(
      "  balancer: started %llu, answered %llu, waited for a lease %llu (the longest %.1f ms; too "
      "long for slow workers %llu), "
      "refused full %llu, failovers %llu, turns to another address %llu, most attempts of a call "
      "%llu, pauses %llu, passed over for overload %llu, shed %llu, rings full %llu\n",
      n(t.started), n(t.answered), n(t.parked), static_cast<double>(t.longest_wait) / 1000,
      n(t.deadlines), n(t.refused_full), n(t.failovers), n(t.address_turns), n(t.most_attempts),
      n(t.pauses), n(t.passed_over), n(t.shed), n(t.rings_full));
  std::printf(
      "  transfers: REFERs %llu, told of %llu times (%llu long after the call), calls that replace "
      "another %llu (%llu between boxes; %llu reached the destination of that one at once, %llu of "
      "those with the word of another worker, %llu another one; %llu replaced it); offers "
      "unanswered by callers %llu, by boxes %llu (ringing %llu), BYEs challenged %llu, "
      "refused by boxes %llu and by callers %llu, sent where the call is not %llu\n",
      n(t.caller.refers), n(t.caller.notified), n(t.caller.notified_late), n(t.caller.replaces),
      n(t.between_boxes), n(t.replacing), n(t.replacing_afar), n(t.replacing_elsewhere),
      n(t.box.replaced), n(t.caller.timeouts), n(t.box.timeouts), n(t.box.rings_on),
      n(t.box.challenges), n(t.box.refused_byes), n(t.caller.refused_byes), n(t.caller.astray));
  std::printf("  absences %llu (no room for %llu packets), heartbeats %llu (%llu below the load), "
              "other listeners %llu\n",
              n(t.absences), n(t.unread), n(t.heartbeats), n(t.shrunk), n(t.moved_listeners));
  std::printf("  faults: lost %llu, doubled %llu, late %llu, overtaken %llu, corrupted %llu, "
              "strangers %llu\n",
              n(t.faults.lost), n(t.faults.doubled), n(t.faults.late), n(t.faults.overtaken),
              n(t.faults.corrupted), n(t.strangers));
  std::printf("  verdicts:");
  for (std::size_t v = 0; v < verdict_count; ++v)
    if (t.verdicts[v] != 0) {
      const std::string_view name = name_of(static_cast<verdict>(v));
      std::printf(" %.*s %llu", static_cast<int>(name.size()), name.data(), n(t.verdicts[v]));
    }
  std::printf("\n  admin: switched %llu, resized %llu, reloads %llu (%llu numbers given back), "
              "calls ended %llu, probes "
              "%llu, restarts %llu with %llu calls kept, crashes %llu with %llu\n",
              n(t.switched), n(t.resized), n(t.reloads), n(t.released), n(t.ended_by_admin),
              n(t.probes), n(t.restarts), n(t.restored), n(t.crashes), n(t.uncertain));
}

// What a run of many seeds must have come through, or it has shown nothing about it. False, and
// says so: something never happened.
bool came_through_all(const totals& t, bool one_worker) {
  bool all = true;
  const auto must = [&all](std::string_view what, std::uint64_t times) {
    if (times != 0) return;
    all = false;
    std::printf("it never happened: %.*s\n", static_cast<int>(what.size()), what.data());
  };
  must("a failover", t.failovers);
  must("a turn to another address", t.address_turns);
  must("a call that has tried as many as it may", t.most_attempts == calls::max_attempts ? 1 : 0);
  must("a call kept over a restart", t.restored);
  must("a call of a copy taken up after a crash", t.uncertain);
  must("a call shed", t.shed);
  must("a destination passed over for overload", t.passed_over);
  must("a pause", t.pauses);
  must("a number that goes to another one", t.released);
  must("a call refused because all is full", t.refused_full);
  must("a CANCEL that crossed an answer", t.caller.crossed);
  must("a caller that keeps the second of two answers", t.caller.kept_second);
  must("lines that another dialog of their call has after the first one's end", t.passed_on);
  must("word of a transfer long after the end of its call", t.caller.notified_late);
  must("a call that replaces another one", t.box.replaced);
  must("a transfer between boxes", t.between_boxes);
  must("a call that cannot go where the one is that it replaces", t.replacing_elsewhere);
  must("an offer that a caller does not answer", t.caller.timeouts);
  must("an offer that a box does not answer", t.box.timeouts);
  must("an offer that rings at a box for ever", t.box.rings_on);
  must("a BYE that a box challenges", t.box.challenges);
  must("a request to a caller behind proxies", t.caller.proxied_requests);
  must("a request to a caller that has moved", t.caller.moved_requests);
  must("a request to a box that has moved", t.box.moved_requests);
  must("a request to a caller that a later one has overtaken", t.caller.overtaken);
  must("a request to a box that a later one has overtaken", t.box.overtaken);
  must("an ACK that a BYE has overtaken", t.caller.late_acks);
  must("a CANCEL behind the answer", t.caller.late_cancels);
  must("a re-INVITE that crosses one of the other side at a caller", t.caller.crossings);
  must("a re-INVITE that crosses one of the other side at a box", t.box.crossings);
  must("a BYE that a box refuses", t.box.refused_byes);
  must("a BYE that a caller refuses", t.caller.refused_byes);
  must("a BYE that goes where its call is not", t.caller.astray);
  must("an absence in which packets were lost", t.unread);
  must("a heartbeat with a capacity below the load", t.shrunk);
  must("other listeners after a restart", t.moved_listeners);
  if (!one_worker) {
    must("an INVITE that waited for a lease", t.parked);
    must("a call that replaces one of another worker", t.replacing_afar);
    must("a deadline for one that waited", t.deadlines);
    must("a full ring", t.rings_full);
  }
  for (std::size_t i = 0; i < end_cause_count; ++i)
    must("the end of a call by " + std::string(name_of(static_cast<end_cause>(i))), t.ended[i]);
  return all;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Simulates callers, destinations, network and admin around the real engines"};
  std::uint64_t seeds = 20, first = 1;
  std::uint32_t calls = 500, break_every = 0;
  std::vector<int> workers{1, 2, 4, 8};
  bool doubles = false, recalls = false, quiet = false;
  app.add_option("--seeds", seeds, "how many seeds");
  app.add_option("--first", first, "the first seed");
  app.add_option("--calls", calls, "calls for each seed");
  app.add_option("--workers", workers, "numbers of workers; each seed takes the next")
      ->delimiter(',');
  app.add_option("--lose-every", break_every,
                 "breaks the ledgers: every so many-th return of lines is lost; succeeds only if a "
                 "check finds it");
  app.add_flag("--recalls", recalls, "with --lose-every: recalls of lines in place of returns");
  app.add_flag("--double", doubles, "with --lose-every: doubled in place of lost");
  app.add_flag("--quiet", quiet, "only the totals");
  CLI11_PARSE(app, argc, argv);

  const auto begin = std::chrono::steady_clock::now();
  totals all;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    simulation_setup setup;
    setup.seed = first + i;
    setup.workers = static_cast<worker_id>(workers[(first + i) % workers.size()]);
    setup.calls = calls;
    setup.break_every = break_every;
    setup.break_kind = recalls ? mail_kind::lease_recall : mail_kind::lease_return;
    setup.break_doubles = doubles;
    simulation one(setup);
    const std::string broken = one.run();
    if (!broken.empty()) {
      std::printf("seed %llu, %u workers: %s\n", static_cast<unsigned long long>(setup.seed),
                  unsigned{setup.workers}, broken.c_str());
      if (break_every != 0) {
        // What a lost recall leads to: nobody brings the lines that somebody waits for.
        const std::string_view expected = recalls ? "waiting for a lease" : "slot ";
        if (broken.find(expected) != broken.npos) return 0;
        std::printf("mail about lines was tampered with, and what was noticed is something else\n");
        return 1;
      }
      print(one.counts, 1);
      std::printf("again: simulate --seeds 1 --first %llu --calls %u --workers %u\n",
                  static_cast<unsigned long long>(setup.seed), calls, unsigned{setup.workers});
      return 1;
    }
    all.add(one.counts);
    if (!quiet && (i + 1) % 10 == 0) {
      std::printf("%llu seeds, %llu calls\n", static_cast<unsigned long long>(i + 1),
                  static_cast<unsigned long long>(all.caller.begun));
      std::fflush(stdout);
    }
  }
  print(all, seeds);
  const double took =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%.1f s, no invariant broken\n", took);
  if (break_every != 0) {
    std::printf("the ledgers were broken, and nothing was noticed\n");
    return 1;
  }
  const bool one_worker = std::ranges::all_of(workers, [](int n) { return n == 1; });
  return seeds < 100 || came_through_all(all, one_worker) ? 0 : 1;
}

// SPDX-License-Identifier: Apache-2.0
// A state_dir that could not be written at the start, and can later.
#include "control/state/keeper.h"
#include "control/state/late_claim.h"
#include "control/state/operator_file.h"
#include "control/state/operator_writer.h"
#include "state_bed.h"

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <gmock/gmock.h>
#include <memory>
#include <unistd.h>

namespace linehunt::test::late_claim_test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class late_claiming : public state_bed {
 protected:
  // In the place of the folder is a file until the test mends that.
  late_claiming() { write(file("late"), "no folder"); }
  [[nodiscard]] std::string at(const std::string& name) const { return file("late/" + name); }
  [[nodiscard]] bool there(const std::string& name) const {
    return std::filesystem::exists(at(name));
  }
  void mend() const {
    std::filesystem::remove(file("late"));
    std::filesystem::create_directory(file("late"));
    for (const char* name : {"calls.cbor", "calls.copy.cbor", "calls.tries", "operator.json"})
      write(at(name), std::string{"old "} + name);
  }
  [[nodiscard]] std::shared_ptr<late_claim> claim_with(bool calls_become_copy) const {
    leftovers before{at("calls.cbor"), at("calls.copy.cbor"), at("calls.tries")};
    before.calls_become_copy = calls_become_copy;
    before.refused = {at("operator.json")};
    return std::make_shared<late_claim>(file("late"), ::geteuid(), false, before);
  }
  // Tries, and what it logs.
  static std::string log_of(late_claim& one, const std::string& result) {
    testing::internal::CaptureStdout();
    EXPECT_THAT(one.try_now(), result.empty() ? HasSubstr("") : HasSubstr(result));
    EXPECT_EQ(one.done(), result.empty());
    return testing::internal::GetCapturedStdout();
  }
};

TEST_F(late_claiming, does_what_the_start_would_have_done) {
  const auto one = claim_with(true);
  EXPECT_THAT(log_of(*one, "Not a directory"), IsEmpty()) << "which the start has said";
  mend();
  EXPECT_THAT(log_of(*one, ""), HasSubstr(file("late") + " can be written now"));
  EXPECT_FALSE(there("calls.cbor")) << "a crash would take it for what an end has written";
  EXPECT_EQ(read(at("calls.copy.cbor")), "old calls.cbor");
  EXPECT_FALSE(there("calls.tries"));
  EXPECT_EQ(read(at("operator.json.bad")), "old operator.json");
  config::service_settings settings;
  settings.state_dir = file("late");
  EXPECT_FALSE(keeper(settings).claim()) << "it has an owner";
  // From now on there is what this run has written.
  write(at("calls.cbor"), "new");
  EXPECT_THAT(log_of(*one, ""), IsEmpty());
  EXPECT_EQ(read(at("calls.cbor")), "new");
}

TEST_F(late_claiming, makes_a_folder_that_is_missing) {
  std::filesystem::remove(file("late"));
  EXPECT_THAT(log_of(*claim_with(true), ""), HasSubstr("can be written now"));
  EXPECT_TRUE(there("lock"));
}

TEST_F(late_claiming, leaves_no_calls_where_the_run_before_has_crashed) {
  const auto one = claim_with(false);
  mend();
  EXPECT_EQ(one->try_now(), "");
  EXPECT_FALSE(there("calls.cbor"));
  EXPECT_FALSE(there("calls.copy.cbor"));
}

TEST_F(late_claiming, leaves_alone_what_another_has) {
  mend();
  const auto one = claim_with(true);
  {
    config::service_settings settings;
    settings.state_dir = file("late");
    keeper other(settings);
    ASSERT_TRUE(other.claim());
    const std::string fault = "in use by another linehunt";
    EXPECT_THAT(log_of(*one, fault), HasSubstr(fault));
    EXPECT_THAT(log_of(*one, fault), IsEmpty()) << "said once";
    EXPECT_EQ(read(at("calls.cbor")), "old calls.cbor");
    operator_writer changes(at("operator.json"), {}, [](const auto& job) { job()(); });
    changes.ask_first([&] { return one->try_now(); });
    bool saved = true;
    changes.write({{1, 1, "sip:192.0.2.21", true, {}}}, [&](bool done) { saved = done; });
    EXPECT_FALSE(saved);
    write(at("calls.cbor"), "of the other");
  }
  EXPECT_THAT(log_of(*one, ""), HasSubstr("can be written now"));
  EXPECT_FALSE(there("calls.copy.cbor")) << "a crash of ours would take it up";
  EXPECT_EQ(read(at("calls.cbor.bad")), "of the other");
}

// Changes that were there before the other linehunt had the folder are not lost by that, and its
// own are not taken for ours.
TEST_F(late_claiming, changes_of_another_are_put_aside_and_ours_written_again) {
  std::filesystem::remove(file("late"));
  std::filesystem::create_directory(file("late"));
  const operator_writer::changes ours{{1, 1, "sip:192.0.2.21", true, {}, false}};
  operator_writer changes(at("operator.json"), ours, [](const auto& job) { job()(); });
  const auto one = std::make_shared<late_claim>(
      file("late"), ::geteuid(), false,
      leftovers{at("calls.cbor"), at("calls.copy.cbor"), at("calls.tries")},
      std::vector{at("operator.json"), at("learned.json")});
  changes.ask_first([&] { return one->try_now(); });
  config::service_settings settings;
  settings.state_dir = file("late");
  auto other = std::make_unique<keeper>(settings);
  ASSERT_TRUE(other->claim());
  for (const char* name : {"operator.json", "learned.json"})
    write(at(name), std::string{"of the other, "} + name);
  boost::asio::io_context loop;
  int tries = 0, taken_over = 0;
  claim_retry again(loop, one, [&](const auto& job) {
    if (++tries == 2) other.reset();
    job()();
  });
  again.start(std::chrono::milliseconds(1), [&] {
    ++taken_over;
    changes.forget_known();
    changes.write(ours, [](bool done) { EXPECT_TRUE(done); });
  });
  loop.run();
  EXPECT_EQ(taken_over, 1);
  EXPECT_EQ(read(at("operator.json.bad")), "of the other, operator.json");
  EXPECT_EQ(read(at("learned.json.bad")), "of the other, learned.json");
  EXPECT_FALSE(there("learned.json"));
  EXPECT_EQ(kept_changes(at("operator.json")).value(), ours);
}

TEST_F(late_claiming, is_tried_again_where_nobody_writes) {
  const auto one = claim_with(true);
  boost::asio::io_context loop;
  int tries = 0;
  claim_retry again(loop, one, [&](const auto& job) {
    if (++tries == 3) mend();
    job()();
  });
  again.start(std::chrono::milliseconds(1));
  loop.run(); // until there is nothing to do
  EXPECT_EQ(tries, 3);
  EXPECT_TRUE(one->done());
  again.start(std::chrono::milliseconds(1), [] { FAIL() << "nobody else has had it"; });
  claim_retry(loop, nullptr, {}).start(std::chrono::milliseconds(1));
}

} // namespace
} // namespace linehunt::test::late_claim_test

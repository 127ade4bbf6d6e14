// SPDX-License-Identifier: Apache-2.0
// Mail between workers: what a flood may not keep waiting.
#include "dataplane/dpdk/worker_mesh.h"
#include "packet_bed.h"

#include <gtest/gtest.h>

namespace linehunt::test {
namespace {

linehunt::mail of(mail_kind kind) {
  linehunt::mail what;
  what.kind = kind;
  return what;
}

unsigned posted(dpdk::worker_mesh& mesh, mail_kind kind) {
  unsigned count = 0;
  while (mesh.post(0, 1, of(kind)))
    ++count;
  return count;
}

TEST(worker_mesh, questions_about_replaced_calls_leave_half_of_the_ring_to_leases) {
  ASSERT_NE(pool().size, 0u); // EAL runs
  for (const mail_kind kind : {mail_kind::find_replaced, mail_kind::found_replaced}) {
    dpdk::worker_mesh mesh({-1, -1});
    EXPECT_EQ(posted(mesh, kind), dpdk::worker_mesh::most_depth / 2);
    EXPECT_EQ(posted(mesh, mail_kind::lease_request), dpdk::worker_mesh::most_depth / 2 - 1);
  }
}

TEST(worker_mesh, leases_may_have_all_of_the_ring) {
  ASSERT_NE(pool().size, 0u);
  dpdk::worker_mesh mesh({-1, -1});
  EXPECT_EQ(posted(mesh, mail_kind::lease_request), dpdk::worker_mesh::most_depth - 1);
}

// Who has asked for a neighbour asks six times, and must hear one of the answers.
TEST(worker_mesh, what_is_said_unasked_of_the_link_leaves_half_of_the_ring_to_answers) {
  ASSERT_NE(pool().size, 0u);
  dpdk::worker_mesh mesh({-1, -1});
  const auto told = [&](bool is_answer) {
    const unsigned before = mesh.news(0, 1).count();
    for (int i = 0; i < 100; ++i)
      mesh.tell(0, 1, {}, is_answer);
    return mesh.news(0, 1).count() - before;
  };
  EXPECT_EQ(told(false), 32u);
  EXPECT_EQ(told(true), 31u);
}

} // namespace
} // namespace linehunt::test

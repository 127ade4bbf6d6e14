// SPDX-License-Identifier: Apache-2.0
// The file of a capture: its blocks, its name and place.
#include "capture_folder.h"
#include "control/capture/capture_file.h"
#include "control/capture/pcapng.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <utility>

namespace linehunt::test::capture_file_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(pcapng, blocks_are_as_the_draft_draws_them) {
  EXPECT_TRUE(pcapng::section_header("x").starts_with(pcapng::magic));
  for (std::size_t size = 0; size < 9; ++size) {
    const std::string bytes(size, 'b');
    const pcapng::packet one{3, 0x1122334455667788, true, 99, bytes};
    std::string block;
    pcapng::append(block, one);
    EXPECT_EQ(block.size(), pcapng::block_bytes(one));
    EXPECT_THAT(types_in(block), ElementsAre(packet));
    EXPECT_EQ(word_at(block, 8), 3u);
    EXPECT_EQ(word_at(block, 12), 0x11223344u); // the higher word first
    EXPECT_EQ(word_at(block, 16), 0x55667788u);
    EXPECT_EQ(word_at(block, 20), size);
    EXPECT_EQ(word_at(block, 24), 99u);
    EXPECT_EQ(block.substr(28, size), bytes);
    const std::size_t options = 28 + (size + 3) / 4 * 4;
    EXPECT_EQ(word_at(block, options), 0x00040002u); // flags, 4 bytes
    EXPECT_EQ(word_at(block, options + 4), 2u);      // outbound
  }
  EXPECT_THAT(types_in(pcapng::interface_description("lan", "net_ring0", "x")),
              ElementsAre(interface));
  EXPECT_THAT(types_in(pcapng::interface_statistics(0, 1, 2, 3)), ElementsAre(statistics));
}

TEST(capture_file, takes_plain_names_only) {
  for (const char* good : {"a", "a.pcapng", "call 7.pcapng", "a..b", "\xc3\xa4\xc2\xa0"})
    EXPECT_EQ(fault_of_name(good), "") << good;
  for (const char* bad : {"", ".", "..", "../a", "/tmp/a", "a/b", ".a", "-a", "a\nb", "a\x7f",
                          "a\xc2\x9b"
                          "31m",
                          "\xc2\x80"})
    EXPECT_NE(fault_of_name(bad), "") << bad;
  EXPECT_NE(fault_of_name(std::string(201, 'a')), "");
}

TEST(capture_file, is_new_and_for_owner_and_group) {
  const capture_folder in;
  auto file = capture_file::create(in.path, "a.pcapng", false, 1000);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_TRUE(file->put_in_place());
  file->keep();
  struct stat about {};
  ASSERT_EQ(::stat(file->path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0137u, 0u); // never more than 0640
  const auto again = capture_file::create(in.path, "a.pcapng", false, 1000);
  ASSERT_FALSE(again);
  EXPECT_TRUE(again.error().exists);
  EXPECT_THAT(again.error().message, HasSubstr("--overwrite"));
}

TEST(capture_file, overwrites_captures_alone) {
  const capture_folder in;
  in.put("old", pcapng::section_header("x"));
  in.put("empty", "");
  in.put("notes", "not to be lost");
  in.put("victim", pcapng::section_header("x"));
  std::filesystem::create_symlink(in.path + "/victim", in.path + "/link");
  std::filesystem::create_directory(in.path + "/folder");
  const std::size_t files = in.files();
  for (const char* name : {"old", "empty"}) {
    auto file = capture_file::create(in.path, name, true, 1000);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE(file->write("new"));
    EXPECT_NE(in.content(name), "new") << "the old one goes when the new one can be written";
    EXPECT_TRUE(file->put_in_place());
    EXPECT_EQ(in.content(name), "new");
    file->keep();
    EXPECT_EQ(in.content(name), "new");
    EXPECT_EQ(in.files(), files) << "the old one is still there";
  }
  for (const char* name : {"notes", "link", "folder"}) {
    const auto kept = capture_file::create(in.path, name, true, 1000);
    ASSERT_FALSE(kept) << name;
    EXPECT_THAT(kept.error().message, HasSubstr("is no capture"));
  }
  EXPECT_EQ(in.content("notes"), "not to be lost");
  EXPECT_EQ(in.content("victim"), pcapng::section_header("x"));
}

TEST(capture_file, leaves_nothing_that_is_not_kept) {
  const capture_folder in;
  in.put("old", pcapng::section_header("x"));
  in.put(".old.new", "of a run that has broken off");
  for (const auto& [name, in_place] :
       {std::pair{"old", false}, {"fresh", false}, {"old", true}, {"fresh", true}}) {
    auto file = capture_file::create(in.path, name, true, 1000);
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE(file->write("new"));
    if (in_place) {
      EXPECT_TRUE(file->put_in_place());
      EXPECT_EQ(in.content(name), "new");
    }
  }
  EXPECT_EQ(in.content("old"), pcapng::section_header("x"));
  EXPECT_EQ(in.files(), 1u);
}

TEST(capture_file, says_what_to_do_about_folder_and_disk) {
  const capture_folder in;
  const auto missing = capture_file::create(in.path + "/none", "a", false, 1000);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, AllOf(HasSubstr("No such file or directory"),
                                             HasSubstr("install -d"), HasSubstr("capture_dir")));
  const auto large = capture_file::create(in.path, "a", false, std::uint64_t{1} << 60);
  ASSERT_FALSE(large);
  EXPECT_THAT(large.error().message, AllOf(HasSubstr("MB free"), HasSubstr("max_mb")));
  EXPECT_FALSE(std::filesystem::exists(in.path + "/a"));
}

} // namespace
} // namespace linehunt::test::capture_file_test

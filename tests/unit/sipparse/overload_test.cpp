// SPDX-License-Identifier: Apache-2.0
// The Via parameters of overload control.
#include "sipparse/overload.h"

#include "sipparse/fields.h"

#include <gtest/gtest.h>

#include <string>

namespace linehunt::sip::overload_test {
namespace {

constexpr std::string_view head = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1";

overload_report read(const std::string& parameters) {
  return parse_overload(std::string{head} + parameters);
}

TEST(overload, whole_report) {
  const auto r = read(";oc=20;oc-algo=\"loss\";oc-validity=500;oc-seq=1282321615.782");
  EXPECT_TRUE(r.present && r.has_value && r.well_formed && r.loss && r.has_validity && r.has_seq);
  EXPECT_EQ(r.value, 20u);
  EXPECT_EQ(r.validity_ms, 500u);
  EXPECT_EQ(r.seq, 128232161578200u);
}

TEST(overload, offer_has_no_value) {
  const auto r = read(";oc;oc-algo=\"loss,rate\"");
  EXPECT_TRUE(r.present && r.well_formed);
  EXPECT_FALSE(r.has_value || r.loss);
  EXPECT_FALSE(parse_overload(head).present);
  EXPECT_FALSE(parse_overload({}).present);
  EXPECT_FALSE(read(";ocx=5;xoc=5;a=\";oc=5\"").present);
}

TEST(overload, sequence_numbers_rise_as_they_are_written) {
  EXPECT_LT(read(";oc=1;oc-seq=5.9").seq, read(";oc=1;oc-seq=6.0").seq);
  EXPECT_LT(read(";oc=1;oc-seq=5.09").seq, read(";oc=1;oc-seq=5.1").seq);
  EXPECT_EQ(read(";oc=1;oc-seq=5").seq, read(";oc=1;oc-seq=5.00000").seq);
  EXPECT_EQ(read(";oc=1;oc-seq=999999999999.99999").seq, 99999999999999999u);
}

TEST(overload, broken_values_are_noticed) {
  for (const char* wrong : {";oc=", ";oc=-1", ";oc=1x", ";oc=4294967296", ";oc=1;oc-validity=",
                            ";oc=1;oc-validity", ";oc=1;oc-seq=1.", ";oc=1;oc-seq=.1",
                            ";oc=1;oc-seq=1.123456", ";oc=1;oc-seq=1234567890123.1"})
    EXPECT_FALSE(read(wrong).well_formed) << wrong;
}

TEST(overload, white_space_and_case) {
  const auto r = read(" ;\r\n OC = 7 ; Oc-Validity\t=\t9");
  EXPECT_TRUE(r.has_value && r.well_formed);
  EXPECT_EQ(r.value, 7u);
  EXPECT_EQ(r.validity_ms, 9u);
}

TEST(overload, pieces_are_whole_parameters) {
  const std::string text = std::string{head} + ";oc=1;oc-seq=1.1;rport;oc-algo=\"a;b\";x";
  const auto found = find_overload(text);
  ASSERT_EQ(found.count, 2);
  EXPECT_TRUE(found.complete);
  EXPECT_EQ(found.pieces[0], ";oc=1;oc-seq=1.1");
  EXPECT_EQ(found.pieces[1], ";oc-algo=\"a;b\"");
  std::string many{head};
  for (int i = 0; i < 5; ++i)
    many += ";oc=1;x";
  EXPECT_FALSE(find_overload(many).complete);
}

TEST(overload, escaped_quote_does_not_end_a_quoted_string) {
  const std::string via = "SIP/2.0/UDP 192.0.2.1:5060;x=\"a\\\";oc=50;\";branch=z9hG4bK1";
  EXPECT_FALSE(parse_overload(via).present);
  EXPECT_EQ(find_overload(via).count, 0);
}

TEST(overload, first_of_several_counts) {
  EXPECT_EQ(read(";oc=10;oc=90").value, 10u);
  const auto offer = read(";oc;oc=90");
  EXPECT_TRUE(offer.present);
  EXPECT_FALSE(offer.has_value);
  EXPECT_EQ(read(";oc=1;oc-validity=5;oc-validity=6").validity_ms, 5u);
  EXPECT_EQ(read(";oc=1;oc-seq=5;oc-seq=6").seq, 500000u);
  EXPECT_FALSE(read(";oc=1;oc-algo=\"rate\";oc-algo=\"loss\"").loss);
}

TEST(overload, cut_anywhere_nothing_breaks) {
  const std::string text =
      std::string{head} + ";oc=20;oc-algo=\"lo\\\"ss\";oc-validity=5;oc-seq=1.7";
  for (std::size_t len = 0; len <= text.size(); ++len) {
    const std::string cut = text.substr(0, len);
    (void)parse_overload(cut);
    const auto found = find_overload(cut);
    for (std::size_t i = 0; i < found.count; ++i)
      EXPECT_LE(found.pieces[i].data() + found.pieces[i].size(), cut.data() + cut.size());
  }
}

TEST(overload, via_says_that_there_is_something) {
  for (const char* with : {";oc", ";oc=5", ";OC", ";oc-algo=\"loss\";oc", "; oc = 5"})
    EXPECT_TRUE(parse_via(std::string{head} + with)->has_oc) << with;
  for (const char* without : {"", ";ocx", ";oc-algo=\"loss\"", ";x=oc"})
    EXPECT_FALSE(parse_via(std::string{head} + without)->has_oc) << without;
}

} // namespace
} // namespace linehunt::sip::overload_test

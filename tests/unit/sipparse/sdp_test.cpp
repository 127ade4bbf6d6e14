// SPDX-License-Identifier: Apache-2.0
#include "sipparse/sdp.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace linehunt::sip::sdp_test {
namespace {

struct codecs {
  bool is_sdp = false;
  std::vector<std::string> list; // "audio/PCMU/0/8000"
};

codecs codecs_of(std::string_view sdp) {
  codecs result;
  result.is_sdp = for_each_codec(
      sdp,
      [](void* context, const sdp_codec& c) {
        static_cast<codecs*>(context)->list.push_back(
            std::string{c.media} + "/" + std::string{c.name} + "/" +
            std::to_string(c.payload_type) + "/" + std::to_string(c.clock_hz));
        return true;
      },
      &result);
  return result;
}

using names = std::vector<std::string>;

TEST(Sdp, StaticTypesHaveTheirNamesByRfc3551) {
  const auto got =
      codecs_of("v=0\r\nm=audio 4000 RTP/AVP 0 8 18 9 3 77\r\nm=video 4002 RTP/AVP 31 34\r\n");
  EXPECT_TRUE(got.is_sdp);
  EXPECT_EQ(got.list, (names{"audio/PCMU/0/8000", "audio/PCMA/8/8000", "audio/G729/18/8000",
                             "audio/G722/9/8000", "audio/GSM/3/8000", "audio//77/0",
                             "video/H261/31/90000", "video/H263/34/90000"}));
}

TEST(Sdp, RtpmapNamesItsOwnSectionOnly) {
  const auto got = codecs_of("v=0\r\n"
                             "a=rtpmap:96 nobody/1\r\n"
                             "m=audio 4000/2 RTP/SAVPF 96 111 0\r\n"
                             "a=rtpmap:111 opus/48000/2\r\n"
                             "a=rtpmap:0 x-law/16000\r\n"
                             "m=video 4002 UDP/TLS/RTP/SAVPF 96\r\n"
                             "a=rtpmap:96 H264/90000\r\n"
                             "a=rtpmap:111 late/1\r\n");
  EXPECT_EQ(got.list, (names{"audio//96/0", "audio/opus/111/48000", "audio/x-law/0/16000",
                             "video/H264/96/90000"}));
}

TEST(Sdp, RefusedAndForeignStreamsOfferNothing) {
  const auto got =
      codecs_of("v=0\nm=audio 0 RTP/AVP 0\na=rtpmap:0 PCMU/8000\nm=image 5000 udptl t38\n"
                "m=application 9 TCP/MSRP *\nm=audio 5002 RTP/AVP 8\n");
  EXPECT_EQ(got.list, names{"audio/PCMA/8/8000"});
}

TEST(Sdp, BrokenLinesAreLeftOut) {
  const auto got = codecs_of("v=0\r\nm=audio x RTP/AVP 0\r\nm=audio 4000 RTP/AVP\r\nm=\r\n"
                             "m=audio 4000 RTP/AVP 0 128 8\r\na=rtpmap:\r\na=rtpmap:0\r\n"
                             "a=rtpmap:0 PCMX\r\na=rtpmap:0 /8000\r\nm=audio 4000 RTP/AVP 300 0");
  EXPECT_EQ(got.list, names{"audio/PCMU/0/8000"})
      << "reading of a format list ends where it breaks";
}

TEST(Sdp, WithoutVersionLineItIsNoSdp) {
  for (const auto text :
       {"", "v=1\r\n", "V=0\r\n", "v=00\r\n", " v=0\r\n", "m=audio 1 RTP/AVP 0\r\n"}) {
    const auto got = codecs_of(text);
    EXPECT_FALSE(got.is_sdp) << text;
    EXPECT_TRUE(got.list.empty());
  }
  EXPECT_TRUE(codecs_of("v=0").is_sdp);
}

TEST(Sdp, StopsWhenTheCallerHasSeenEnough) {
  int seen = 0;
  EXPECT_TRUE(for_each_codec(
      "v=0\r\nm=audio 4000 RTP/AVP 0 8\r\nm=audio 4002 RTP/AVP 18\r\n",
      [](void* context, const sdp_codec&) { return ++*static_cast<int*>(context) < 2; }, &seen));
  EXPECT_EQ(seen, 2);
}

TEST(Sdp, AtMostSixtyFourFormatsPerLine) {
  std::string sdp = "v=0\r\nm=audio 4000 RTP/AVP";
  for (int i = 0; i < 200; ++i)
    sdp += " 0";
  EXPECT_EQ(codecs_of(sdp).list.size(), 64u);
}

constexpr std::string_view mixed_body = "preamble\r\n"
                                        "--b1\r\n"
                                        "Content-Type: text/plain\r\n"
                                        "\r\n"
                                        "v=0\r\n"
                                        "--b1\r\n"
                                        "content-TYPE : Application/SDP ; x=y\r\n"
                                        "Content-Disposition: session\r\n"
                                        "\r\n"
                                        "v=0\r\n"
                                        "s=--b1\r\n"
                                        "--b1--\r\n"
                                        "epilogue\r\n";

TEST(FindSdp, PlainBodyAndMissingContentType) {
  EXPECT_EQ(find_sdp("application/sdp", "v=0\r\n"), "v=0\r\n");
  EXPECT_EQ(find_sdp("Application/SDP;charset=utf-8", "v=0\r\n"), "v=0\r\n");
  EXPECT_EQ(find_sdp("", "v=0\r\n"), "v=0\r\n");
  EXPECT_EQ(find_sdp("", "hello"), "");
  EXPECT_EQ(find_sdp("text/plain", "v=0\r\n"), "");
  EXPECT_EQ(find_sdp("application/sdpx", "v=0\r\n"), "");
}

TEST(FindSdp, WhiteSpaceAroundTheSlash) { // RFC 3261 25.1, SLASH
  for (const auto type : {"application / sdp", "application/ sdp;x=y", "application\t/sdp",
                          "application\r\n /\r\n sdp ; x=\"a/b\""})
    EXPECT_EQ(find_sdp(type, "v=0\r\n"), "v=0\r\n") << type;
  for (const auto type : {"application", "application/", "/sdp", "application;x/sdp",
                          "application//sdp", "applicationsdp", "appli cation/sdp"})
    EXPECT_EQ(find_sdp(type, "v=0\r\n"), "") << type;
  EXPECT_EQ(find_sdp("multipart / mixed;boundary=b1", mixed_body), "v=0\r\ns=--b1");
}

TEST(FindSdp, FoldedHeadersOfAPart) { // RFC 5322 2.2.3
  const std::string sdp =
      "--Y\r\nX: 1\r\nContent-Type:\r\n application/sdp\r\n\r\n v=0\r\n--Y--\r\n";
  EXPECT_EQ(find_sdp("multipart/mixed;boundary=Y", sdp), " v=0");
  EXPECT_EQ(find_sdp("multipart/mixed;boundary=X",
                     "--X\r\nContent-Type: multipart/alternative;\r\n\tboundary=Y\r\n\r\n" + sdp +
                         "--X--\r\n"),
            " v=0");
  EXPECT_EQ(find_sdp("multipart/mixed;boundary=Y",
                     "--Y\r\nX: 1\r\n Content-Type: application/sdp\r\n\r\nv=0\r\n--Y--\r\n"),
            "")
      << "the fold belongs to the header before it";
}

TEST(FindSdp, QuotedBoundary) { // RFC 3261 25.1, quoted-pair; RFC 2046 5.1.1
  const auto body_of = [](const std::string& boundary) {
    return "--" + boundary + "\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--" + boundary +
           "--\r\n";
  };
  EXPECT_EQ(find_sdp(R"(multipart/mixed;boundary="a\-b\"c")", body_of("a-b\"c")), "v=0");
  EXPECT_EQ(find_sdp(R"(multipart/mixed;boundary="a b")", body_of("a b")), "v=0");
  EXPECT_EQ(find_sdp(R"(multipart/mixed;boundary="a\\b")", body_of("a\\b")), "v=0");
  const std::string longest(70, 'x');
  EXPECT_EQ(find_sdp("multipart/mixed;boundary=\"\\" + longest + '"', body_of(longest)), "v=0");
  EXPECT_EQ(find_sdp("multipart/mixed;boundary=\"" + longest + "x\"", body_of(longest + "x")), "");
}

TEST(FindSdp, PartOfAMultipartBody) {
  EXPECT_EQ(find_sdp("multipart/mixed;boundary=b1", mixed_body), "v=0\r\ns=--b1");
  EXPECT_EQ(find_sdp("MULTIPART/Mixed; a=b; Boundary=\"b1\"", mixed_body), "v=0\r\ns=--b1");
  EXPECT_EQ(find_sdp("multipart/mixed;boundary=b2", mixed_body), "");
  EXPECT_EQ(find_sdp("multipart/mixed;boundary=b", mixed_body), "") << "a prefix is no boundary";
  EXPECT_EQ(find_sdp("multipart/mixed", mixed_body), "");
}

TEST(FindSdp, NestedMultipart) {
  const std::string body = "--out\r\nContent-Type: multipart/mixed;boundary=b1\r\n\r\n" +
                           std::string{mixed_body} + "\r\n--out--\r\n";
  EXPECT_EQ(find_sdp("multipart/alternative;boundary=out", body), "v=0\r\ns=--b1");
}

TEST(FindSdp, NothingBehindTheClosingDelimiter) {
  EXPECT_EQ(
      find_sdp("multipart/mixed;boundary=b",
               "--b\r\n\r\nx\r\n--b--\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"),
      "");
  EXPECT_EQ(find_sdp("multipart/mixed;boundary=b",
                     "--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\ns=cut"),
            "v=0\r\ns=cut");
}

} // namespace
} // namespace linehunt::sip::sdp_test

#include "poolscope/exporter/content_encoder.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/bench/gunzip.h"
#include "poolscope/exporter/http_message.h"

namespace poolscope {
namespace {

HttpResponse Encoded(ContentEncoder& encoder, const std::string& body,
                     absl::string_view accept_encoding, int status = 200) {
  HttpRequest request;
  request.headers = {{"accept-encoding", accept_encoding}};
  HttpResponse response;
  response.status = status;
  response.SetBody(body);
  encoder.Encode(request, response);
  return response;
}

TEST(ContentEncoderTest, CompressesFromTheSizeItSays) {
  ContentEncoder encoder;
  const std::string small(ContentEncoder::kMinBytes - 1, 'x');
  const HttpResponse plain = Encoded(encoder, small, "gzip");
  EXPECT_EQ(plain.content_encoding, "");
  EXPECT_EQ(plain.body, small);
  EXPECT_EQ(encoder.held_bytes(), 0u);
  const std::string body = small + "x";
  const HttpResponse gzipped = Encoded(encoder, body, "gzip");
  EXPECT_EQ(gzipped.content_encoding, "gzip");
  EXPECT_LT(gzipped.body.size(), body.size());
  const absl::StatusOr<std::string> back = bench::Gunzip(gzipped.body);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, body);
}

TEST(ContentEncoderTest, SmallBodiesAreCompressedWherePlainIsRefused) {
  ContentEncoder encoder;
  const HttpResponse response = Encoded(encoder, "ok\n", "gzip, identity;q=0");
  EXPECT_EQ(response.content_encoding, "gzip");
  EXPECT_EQ(*bench::Gunzip(response.body), "ok\n");
}

TEST(ContentEncoderTest, SaysWhatTheChoiceHungOnEitherWay) {
  ContentEncoder encoder;
  const std::string body(5000, 'x');
  EXPECT_EQ(Encoded(encoder, body, "gzip").vary, "Accept-Encoding");
  EXPECT_EQ(Encoded(encoder, body, "").vary, "Accept-Encoding");
}

TEST(ContentEncoderTest, LeavesErrorsAlone) {
  ContentEncoder encoder;
  const std::string body(5000, 'x');
  const HttpResponse response = Encoded(encoder, body, "gzip", 404);
  EXPECT_EQ(response.content_encoding, "");
  EXPECT_EQ(response.vary, "");
  EXPECT_EQ(response.body, body);
}

TEST(ContentEncoderTest, AnswersAtTheSameTimeHaveBuffersOfTheirOwn) {
  ContentEncoder encoder;
  const std::string one(5000, '1');
  const std::string two(5000, '2');
  const HttpResponse first = Encoded(encoder, one, "gzip");
  const HttpResponse second = Encoded(encoder, two, "gzip");
  EXPECT_EQ(*bench::Gunzip(first.body), one);
  EXPECT_EQ(*bench::Gunzip(second.body), two);
}

}  // namespace
}  // namespace poolscope

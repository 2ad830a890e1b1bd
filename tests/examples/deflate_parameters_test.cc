// What is agreed on for permessage-deflate.
#include "poolscope/examples/demo/deflate_parameters.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace poolscope::demo {
namespace {

// The answer to an offer; "" when it is declined.
std::string AnswerTo(const std::string& offer) {
  const std::optional<DeflateParameters> parameters = AcceptDeflateOffer(offer);
  return parameters.has_value() ? DeflateAnswer(*parameters) : "";
}

TEST(DeflateParametersTest, AnswersWhatWasAsked) {
  const std::string name = "permessage-deflate";
  EXPECT_EQ(AnswerTo(name), name);
  EXPECT_EQ(AnswerTo(name + "; client_max_window_bits"), name);
  EXPECT_EQ(AnswerTo(name + "; client_max_window_bits=8"), name);
  EXPECT_EQ(AnswerTo(name + ";server_no_context_takeover"),
            name + "; server_no_context_takeover");
  EXPECT_EQ(AnswerTo(name + " ; client_no_context_takeover "),
            name + "; client_no_context_takeover");
  EXPECT_EQ(AnswerTo(name + "; server_max_window_bits=\"10\""),
            name + "; server_max_window_bits=10");
  EXPECT_EQ(AnswerTo(name + "; server_max_window_bits=10; "
                            "client_no_context_takeover; "
                            "server_no_context_takeover"),
            name +
                "; server_no_context_takeover; client_no_context_takeover; "
                "server_max_window_bits=10");
}

TEST(DeflateParametersTest, TakesTheWindowsThatZlibHas) {
  const std::string name = "permessage-deflate; server_max_window_bits=";
  for (int bits = 9; bits <= 15; ++bits) {
    EXPECT_EQ(AnswerTo(absl::StrCat(name, bits)), absl::StrCat(name, bits));
  }
  EXPECT_EQ(AnswerTo(name + "8"), "");
  EXPECT_EQ(AnswerTo(name + "16"), "");
}

TEST(DeflateParametersTest, DeclinesWhatIsMalformed) {
  for (const std::string parameter :
       {"server_max_window_bits",
        "server_max_window_bits=", "server_max_window_bits=010",
        "server_max_window_bits=+10", "server_max_window_bits=\"10",
        "server_max_window_bits=7", "client_max_window_bits=16",
        "client_max_window_bits=", "server_no_context_takeover=1",
        "client_no_context_takeover=", "unknown", "",
        "Server_No_Context_Takeover",
        "client_max_window_bits; client_max_window_bits",
        "server_max_window_bits=10; server_max_window_bits=10",
        "server_no_context_takeover; server_no_context_takeover"}) {
    EXPECT_EQ(AnswerTo(absl::StrCat("permessage-deflate; ", parameter)), "")
        << parameter;
  }
  EXPECT_EQ(AnswerTo(""), "");
  EXPECT_EQ(AnswerTo("permessage-deflat"), "");
}

TEST(DeflateParametersTest, FallsBackOnTheNextOffer) {
  EXPECT_EQ(AnswerTo("x-other, permessage-deflate; server_max_window_bits=8, "
                     "permessage-deflate; server_max_window_bits=12, "
                     "permessage-deflate"),
            "permessage-deflate; server_max_window_bits=12");
}

TEST(DeflateParametersTest, AClientTakesWhatMayBeAnswered) {
  const auto plain = ParseDeflateAnswer("permessage-deflate");
  ASSERT_TRUE(plain.ok());
  EXPECT_FALSE(plain->server_no_context_takeover);
  EXPECT_EQ(plain->server_window_bits(), 15);
  const auto all = ParseDeflateAnswer(
      "permessage-deflate; server_no_context_takeover; "
      "client_no_context_takeover; server_max_window_bits=9");
  ASSERT_TRUE(all.ok());
  EXPECT_TRUE(all->server_no_context_takeover);
  EXPECT_TRUE(all->client_no_context_takeover);
  EXPECT_EQ(all->server_window_bits(), 9);
}

TEST(DeflateParametersTest, AClientTakesNothingThatWasNotOffered) {
  EXPECT_FALSE(ParseDeflateAnswer("").ok());
  EXPECT_FALSE(ParseDeflateAnswer("x-other").ok());
  EXPECT_FALSE(
      ParseDeflateAnswer("permessage-deflate; client_max_window_bits=10").ok());
  EXPECT_FALSE(
      ParseDeflateAnswer("permessage-deflate, permessage-deflate").ok());
}

}  // namespace
}  // namespace poolscope::demo

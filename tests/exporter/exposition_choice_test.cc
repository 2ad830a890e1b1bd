#include "poolscope/exporter/exposition_choice.h"

#include "gtest/gtest.h"

namespace poolscope {
namespace {

bool ChoosesOpenMetrics(absl::string_view accept) {
  return ChooseExposition(accept) == ExpositionFormat::kOpenMetrics;
}

TEST(ExpositionChoiceTest, OpenMetricsWhereItIsLikedBest) {
  for (const char* accept :
       {"application/openmetrics-text; version=1.0.0",
        "application/openmetrics-text",
        "APPLICATION/OpenMetrics-Text;Version=\"1.0.0\"",
        "application/openmetrics-text;version=1.0.0;charset=utf-8",
        "text/plain;q=0.5, application/openmetrics-text;version=1.0.0;q=0.51",
        "text/plain, application/openmetrics-text",  // of equals
        "application/*, text/plain;q=0.5",
        // The better of two.
        "application/openmetrics-text;q=0.9, "
        "application/openmetrics-text;q=0.1, text/plain;q=0.5",
        "application/openmetrics-text;q=0, "
        "application/openmetrics-text;version=1.0.0",
        // Prometheus 2 and 3.
        "application/openmetrics-text;version=1.0.0,"
        "application/openmetrics-text;version=0.0.1;q=0.75,"
        "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
        "application/openmetrics-text;version=0.0.1;q=0.5,"
        "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
        "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"}) {
    EXPECT_TRUE(ChoosesOpenMetrics(accept)) << accept;
  }
}

TEST(ExpositionChoiceTest, TextOtherwise) {
  for (const char* accept :
       {"", "*/*", "text/html,application/xml;q=0.9,*/*;q=0.8", "text/plain",
        "application/openmetrics-text;q=0.5, text/plain;version=0.0.4",
        "application/openmetrics-text;version=1.0.0;q=0.5, */*",
        // Of equals, where OpenMetrics is not named.
        "application/*, text/*", "application/*, text/plain",
        // Versions that there are not.
        "application/openmetrics-text;version=0.0.1",
        "application/openmetrics-text;version=2.0.0, text/plain;q=0.1",
        "application/openmetrics-text;version=1.0.0.0",
        "application/openmetrics-text;version=1",
        // Refused, or with a weight that is none.
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=abc",
        "application/openmetrics-text;q=nan",
        "application/openmetrics-text;q=-1, application/openmetrics-text;q=2",
        // The more specific element counts.
        "application/openmetrics-text;version=1.0.0;q=0, "
        "application/openmetrics-text, text/plain;q=0.1",
        "application/openmetrics-text;q=0, application/*, */*",
        // Neither is taken.
        "application/json", "text/plain;q=0",
        // No media types.
        ",;,=;q=1,,", "openmetrics", "application/openmetrics-textual"}) {
    EXPECT_FALSE(ChoosesOpenMetrics(accept)) << accept;
  }
}

TEST(ExpositionChoiceTest, ContentTypesSayVersionAndCharset) {
  EXPECT_EQ(ContentTypeOf(ExpositionFormat::kText),
            "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(ContentTypeOf(ExpositionFormat::kOpenMetrics),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

}  // namespace
}  // namespace poolscope

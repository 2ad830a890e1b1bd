#include "poolscope/metrics/channel_report.h"

#include <string>

#include "gtest/gtest.h"
#include "poolscope/metrics/json_emitter.h"
#include "poolscope/metrics/text_emitter.h"
#include "poolscope/tests/metrics/golden.h"
#include "poolscope/tests/metrics/sample_stats.h"

namespace poolscope {
namespace {

TEST(ChannelReportTest, TextOfFixedChannels) {
  std::string text;
  TextEmitter emitter(&text);
  EmitChannelReport(SampleOutboundStats().groups, SampleChannels(), emitter);
  EXPECT_EQ(text, Golden("channels.txt", text));
}

TEST(ChannelReportTest, JsonOfFixedChannels) {
  std::string json;
  JsonEmitter emitter(&json);
  EmitChannelReport(SampleOutboundStats().groups, SampleChannels(), emitter);
  json.push_back('\n');
  EXPECT_EQ(json, Golden("channels.json", json));
}

TEST(ChannelReportTest, WithoutChannelsItSaysSo) {
  std::string text;
  TextEmitter emitter(&text);
  EmitChannelReport({}, {}, emitter);
  EXPECT_EQ(text, "groups:\n  none\nchannels:\n  none\n");
}

}  // namespace
}  // namespace poolscope

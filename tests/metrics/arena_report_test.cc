#include "poolscope/metrics/arena_report.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/metrics/json_emitter.h"
#include "poolscope/metrics/text_emitter.h"
#include "poolscope/tests/metrics/golden.h"
#include "poolscope/tests/metrics/sample_stats.h"

namespace poolscope {
namespace {

// Knows block 41 of the first allocator alone.
std::string CallSiteOf(absl::string_view allocator, uint64_t id) {
  return allocator == SampleStats().name && id == 41 ? "rpc::ReadFrame()" : "";
}

TEST(ArenaReportTest, TextOfAFixedSnapshot) {
  const std::vector<AllocatorStats> snapshots = {SampleStats(),
                                                 FreshStats("other", 1, 1)};
  std::string text;
  TextEmitter emitter(&text);
  EmitArenaReport(snapshots, CallSiteOf, emitter);
  EXPECT_EQ(text, Golden("arenas.txt", text));
}

TEST(ArenaReportTest, JsonOfAFixedSnapshot) {
  const std::vector<AllocatorStats> snapshots = {SampleStats(),
                                                 FreshStats("other", 1, 1)};
  std::string json;
  JsonEmitter emitter(&json);
  EmitArenaReport(snapshots, CallSiteOf, emitter);
  json.push_back('\n');
  EXPECT_EQ(json, Golden("arenas.json", json));
}

TEST(JsonEmitterTest, EscapesTextAndKeepsIntegersExact) {
  std::string json;
  JsonEmitter emitter(&json);
  emitter.BeginObject("");
  emitter.Field("text", "a\"b\\c\n\x01");
  emitter.Field("big", uint64_t{18446744073709551615u});
  emitter.Field("yes", true);
  emitter.Field("half", 0.5);
  emitter.BeginTable("none");
  emitter.EndTable();
  emitter.EndObject();
  EXPECT_EQ(json,
            "{\"text\":\"a\\\"b\\\\c\\u000a\\u0001\","
            "\"big\":18446744073709551615,\"yes\":true,\"half\":0.5,"
            "\"none\":[]}");
}

TEST(JsonEmitterTest, ReplacesBytesThatAreNoCharacter) {
  const struct {
    const char* text;
    const char* json;
  } cases[] = {
      {"\x7f\xc2\x80\xdf\xbf", "\x7f\xc2\x80\xdf\xbf"},
      {"\xe0\xa0\x80\xed\x9f\xbf", "\xe0\xa0\x80\xed\x9f\xbf"},
      {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
      {"a\x80z", "a\\ufffdz"},
      {"\xc1\xbf", "\\ufffd\\ufffd"},
      {"\xe0\x9f\xbf", "\\ufffd\\ufffd\\ufffd"},
      {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},
      {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},
      {"\xf5", "\\ufffd"},
      {"\xe2\x82", "\\ufffd\\ufffd"},
      {"\xe2z", "\\ufffdz"},
  };
  for (const auto& c : cases) {
    std::string json;
    JsonEmitter emitter(&json);
    emitter.BeginObject("");
    emitter.Field("t", c.text);
    emitter.EndObject();
    EXPECT_EQ(json, std::string("{\"t\":\"") + c.json + "\"}") << c.text;
  }
}

TEST(TextEmitterTest, AlignsColumnsAndMarksElements) {
  std::string text;
  TextEmitter emitter(&text);
  emitter.BeginObject("");
  emitter.BeginArray("things");
  for (uint64_t i : {1, 2}) {
    emitter.BeginObject("");
    emitter.Field("id", i);
    emitter.BeginTable("rows");
    for (uint64_t size = 9; i == 1 && size < 200; size *= 12) {
      emitter.BeginRow();
      emitter.Field("name", size < 10 ? "short" : "a longer one");
      emitter.Field("size", size);
      emitter.EndRow();
    }
    emitter.EndTable();
    emitter.EndObject();
  }
  emitter.EndArray();
  emitter.Field("end", true);
  emitter.EndObject();
  EXPECT_EQ(text,
            "things:\n"
            "  - id: 1\n"
            "    rows:\n"
            "      name          size\n"
            "      short            9\n"
            "      a longer one   108\n"
            "  - id: 2\n"
            "    rows:\n"
            "      none\n"
            "end: true\n");
}

}  // namespace
}  // namespace poolscope

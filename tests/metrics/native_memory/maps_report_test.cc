#include "poolscope/metrics/native_memory/maps_report.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "poolscope/metrics/json_emitter.h"
#include "poolscope/metrics/text_emitter.h"

namespace poolscope {
namespace {

NativeMemoryStats Sample() {
  NativeMemoryStats stats;
  stats.walk_id = 7;
  stats.walked_at_unix_nanos = 1'500'000'000;
  stats.walk_seconds = 0.25;
  stats.resident_bytes = 28672;
  stats.mappings = {
      {0x1000, 0x3000, "r-xp", "/bin/service", 4096, "Code", ""},
      {0x7f0000000000, 0x7f0000400000, "rw-p", "", 16384, "Pool Arenas",
       "arena 1"},
      {0x7fff00000000, 0x7fff00010000, "rw-p", "[stack]", 8192, "Thread Stacks",
       ""},
  };
  return stats;
}

std::string Json(const MapsPage& page) {
  std::string json;
  JsonEmitter emitter(&json);
  EmitMapsReport(Sample(), page, emitter);
  return json;
}

constexpr char kCode[] =
    R"({"address":"0x000000001000","bytes":8192,"permissions":"r-xp",)"
    R"("resident_bytes":4096,"owner":"Code","detail":"",)"
    R"("name":"/bin/service"})";
constexpr char kChunk[] =
    R"({"address":"0x7f0000000000","bytes":4194304,"permissions":"rw-p",)"
    R"("resident_bytes":16384,"owner":"Pool Arenas","detail":"arena 1",)"
    R"("name":""})";
constexpr char kStack[] =
    R"({"address":"0x7fff00000000","bytes":65536,"permissions":"rw-p",)"
    R"("resident_bytes":8192,"owner":"Thread Stacks","detail":"",)"
    R"("name":"[stack]"})";

std::string Expected(int offset, int shown, const std::string& rows) {
  return R"({"walk_id":7,"walked_at_unix_seconds":1.5,"walk_seconds":0.25,)"
         R"("resident_bytes":28672,"mappings":3,"offset":)" +
         std::to_string(offset) + R"(,"shown":)" + std::to_string(shown) +
         R"(,"maps":[)" + rows + "]}";
}

TEST(MapsReportTest, TheLargestComeFirst) {
  EXPECT_EQ(Json(MapsPage()),
            Expected(0, 3, std::string(kChunk) + "," + kStack + "," + kCode));
}

TEST(MapsReportTest, OrInTheOrderOfAddresses) {
  MapsPage page;
  page.order = MapsPage::Order::kAddress;
  EXPECT_EQ(Json(page),
            Expected(0, 3, std::string(kCode) + "," + kChunk + "," + kStack));
}

TEST(MapsReportTest, APageIsNeverLongerThanAskedFor) {
  MapsPage page;
  page.limit = 1;
  EXPECT_EQ(Json(page), Expected(0, 1, kChunk));
  page.offset = 2;
  EXPECT_EQ(Json(page), Expected(2, 1, kCode));
  page.offset = 3;
  EXPECT_EQ(Json(page), Expected(3, 0, ""));
  page.offset = SIZE_MAX;
  EXPECT_EQ(Json(page), Expected(3, 0, ""));
}

TEST(MapsReportTest, TextIsATable) {
  std::string text;
  TextEmitter emitter(&text);
  MapsPage page;
  page.limit = 1;
  EmitMapsReport(Sample(), page, emitter);
  EXPECT_NE(text.find("\nmappings: 3\noffset: 0\nshown: 1\nmaps:\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("0x7f0000000000"), std::string::npos);
  EXPECT_EQ(text.find("[stack]"), std::string::npos);
}

}  // namespace
}  // namespace poolscope

// The command over files that a sidecar wrote, and over others.
#include "poolscope/exporter/blackbox/black_box_command.h"

#include <sys/wait.h>

#include <cstdlib>
#include <memory>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/exporter/blackbox/black_box_file.h"
#include "poolscope/exporter/blackbox/black_box_reader.h"
#include "poolscope/exporter/gzip_stream.h"
#include "poolscope/exporter/sidecar.h"
#include "poolscope/metrics/history/exposition_split.h"
#include "poolscope/metrics/native_memory/native_memory_text.h"
#include "poolscope/tests/exporter/blackbox/test_file.h"
#include "poolscope/tests/exporter/http_client.h"
#include "poolscope/tests/exporter/slow_collectable.h"
#include "poolscope/tests/metrics/native_memory/sample_native_memory.h"

namespace poolscope {
namespace {

struct Result {
  int exit_code;
  std::string output;
  std::string error;
};

Result RunCommand(const std::vector<std::string>& arguments) {
  std::ostringstream output;
  std::ostringstream error;
  const int exit_code = RunBlackBoxCommand(arguments, output, error);
  return {exit_code, output.str(), error.str()};
}

int Shell(const std::string& command) {
  const int result = std::system(command.c_str());
  return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

TEST(BlackBoxCommandTest, NamesWhatIsWrongInOneLine) {
  const struct {
    std::vector<std::string> arguments;
    const char* line;
  } kCases[] = {
      {{}, "name the file of a black box; --help says more"},
      {{"a", "b"}, "\"b\": one FILE and options; --help says more"},
      {{"a", "--all"}, "\"--all\": one FILE and options; --help says more"},
      {{"a", "--last=0s"},
       "\"0s\": --last takes a time above 0, such as 90s or 15m"},
      {{"a", "--last=soon"},
       "\"soon\": --last takes a time above 0, such as 90s or 15m"},
      {{"a", "scale=TB"}, "Incorrect scale value: TB; give B, KB, MB or GB"},
      {{"a", "--metrics", "--openmetrics"},
       "give --metrics or --openmetrics, not both"},
  };
  for (const auto& c : kCases) {
    const Result result = RunCommand(c.arguments);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(result.error, absl::StrCat("poolscope-blackbox: ", c.line, "\n"));
    EXPECT_EQ(result.output, "");
  }
  EXPECT_EQ(RunCommand({"--help"}).output, kBlackBoxUsage);
}

TEST(BlackBoxCommandTest, AFileThatHasNothingIsNamed) {
  const TestFolder folder;
  EXPECT_EQ(
      RunCommand({folder.box()}).error,
      absl::StrCat("poolscope-blackbox: ", folder.box(), ": no such file\n"));
  WriteAll(folder.box(), "hello");
  EXPECT_EQ(RunCommand({folder.box()}).error,
            absl::StrCat("poolscope-blackbox: ", folder.box(),
                         ": this is no black box of poolscope\n"));
  WriteAll(folder.box(), "");
  ASSERT_TRUE(BlackBoxFile::Create(folder.box(), BlackBoxFile::kMinBytes).ok());
  const Result result = RunCommand({folder.box()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.error, absl::StrCat("poolscope-blackbox: ", folder.box(),
                                       ": no whole record\n"));
}

TEST(BlackBoxCommandTest, ValuesThatAreNotThoseOfTheNamesAreAnError) {
  const TestFolder folder;
  const auto file = BlackBoxFile::Create(folder.box(), BlackBoxFile::kMinBytes);
  ASSERT_TRUE(file.ok()) << file.status();
  GzipStream gzip;
  RecordPrefix prefix{};
  prefix.names_sequence = 1;
  prefix.names_bytes = 2;
  prefix.values_bytes = 4;
  ASSERT_TRUE((*file)->Append(prefix, gzip.Compress("a\n1\n2\n")).ok());
  for (const char* output : {"--last=15m", "--metrics", "--openmetrics"}) {
    const Result result = RunCommand({folder.box(), output});
    EXPECT_EQ(result.exit_code, 1) << output;
    EXPECT_EQ(result.error,
              absl::StrCat("poolscope-blackbox: ", folder.box(),
                           ": the values do not belong to the names\n"));
    EXPECT_EQ(result.output, "");
  }
}

// Records of these seconds after a known time, with a walk, in which memory
// grows by the second.
void WriteRecords(const std::string& path,
                  const std::vector<int64_t>& seconds) {
  const auto file = BlackBoxFile::Create(path, BlackBoxFile::kMinBytes);
  ASSERT_TRUE(file.ok()) << file.status();
  GzipStream gzip;
  for (const int64_t second : seconds) {
    RecordPrefix prefix{};
    prefix.taken_nanos = 1700000000000000000 + second * 1000000000;
    const std::string metrics = absl::StrCat(
        "# HELP poolscope_direct_memory_used_bytes Used.\n"
        "# TYPE poolscope_direct_memory_used_bytes gauge\n"
        "poolscope_direct_memory_used_bytes{allocator=\"rpc\"} ",
        (second + 20) << 20,
        "\n# HELP poolscope_direct_memory_limit_bytes Limit.\n"
        "# TYPE poolscope_direct_memory_limit_bytes gauge\n"
        "poolscope_direct_memory_limit_bytes{allocator=\"rpc\"} ",
        100 << 20, "\n");
    std::string names;
    std::string values;
    SplitExposition(metrics, names, values);
    const std::string native = NativeMemoryText(SampleNativeMemory());
    prefix.names_sequence = (*file)->sequence();
    prefix.names_bytes = static_cast<uint32_t>(names.size());
    prefix.values_bytes = static_cast<uint32_t>(values.size());
    prefix.native_bytes = static_cast<uint32_t>(native.size());
    ASSERT_TRUE(
        (*file)->Append(prefix, gzip.Compress(names + values + native)).ok());
  }
}

void WriteMinute(const std::string& path) {
  std::vector<int64_t> seconds(61);
  std::iota(seconds.begin(), seconds.end(), 0);
  WriteRecords(path, seconds);
}

TEST(BlackBoxCommandTest, ReportHasTheLastFiguresTheTrendAndNativeMemory) {
  const TestFolder folder;
  WriteMinute(folder.box());
  const Result result = RunCommand({folder.box(), "scale=MB"});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_EQ(result.error, "");
  for (const char* text :
       {"Last record: 2023-11-14 22:14:20.000 UTC",
        "Its sidecar was not stopped: ", "\nTrend over 1m, 61 records:\n",
        "\nused: rpc                            80MB          20MB          "
        "80MB"
        "         +60MB         100MB  20s\n",
        "\nNative memory as of 2023-11-14 22:13:20.000 UTC, 1m before the last "
        "record:\n",
        "\nTotal: reserved=96MB, committed=23MB\n", "peak committed="}) {
    EXPECT_TRUE(absl::StrContains(result.output, text))
        << text << " in " << result.output;
  }
  EXPECT_FALSE(absl::StrContains(result.output, "left out"));
}

TEST(BlackBoxCommandTest, LastLimitsTheRecordsToBothEnds) {
  const TestFolder folder;
  WriteMinute(folder.box());
  for (const auto& [last, trend] :
       {std::pair("--last=10s", "\nTrend over 10s, 11 records:\n"),
        {"--last=9999ms", "\nTrend over 9s, 10 records:\n"},
        {"--last=1ms", "\nTrend over 0, 1 records:\n"}}) {
    const Result result = RunCommand({folder.box(), last});
    EXPECT_TRUE(absl::StrContains(result.output, trend)) << result.output;
  }
}

TEST(BlackBoxCommandTest, WithoutLastItIsAQuarterOfAnHour) {
  EXPECT_EQ(ParseBlackBoxCommand({"a"})->last, absl::Minutes(15));
}

// Then what is later than the last record was before it.
TEST(BlackBoxCommandTest, AClockThatWasSetBackLeavesOutWhatIsLater) {
  const TestFolder folder;
  WriteRecords(folder.box(), {50, 51, 52, 20, 21});
  const Result result = RunCommand({folder.box()});
  EXPECT_TRUE(absl::StrContains(result.output, "\nTrend over 1s, 2 records:\n"))
      << result.output;
}

TEST(BlackBoxCommandTest, OpenMetricsHasTheRecordsOfLast) {
  const TestFolder folder;
  WriteMinute(folder.box());
  const Result result =
      RunCommand({folder.box(), "--openmetrics", "--last=10s"});
  EXPECT_FALSE(absl::StrContains(result.output, " 1700000049.000\n"));
  EXPECT_TRUE(absl::StrContains(result.output, " 1700000050.000\n"));
  EXPECT_TRUE(absl::StrContains(result.output, " 1700000060.000\n"));
}

TEST(BlackBoxCommandTest, WhatWasLeftOutIsSaid) {
  const TestFolder folder;
  WriteMinute(folder.box());
  std::string bytes = ReadAll(folder.box());
  bytes[61 * kBlackBoxBlockBytes + 60] ^= 1;  // the last record
  bytes[30 * kBlackBoxBlockBytes + 60] ^= 1;
  WriteAll(folder.box(), bytes.substr(0, 62 * kBlackBoxBlockBytes));
  const std::string losses = absl::StrCat(
      "the record behind the last one is not whole, and is left out\n"
      "1 records are damaged, or their names are, and are left out\n"
      "the file was cut short, to ",
      62 * kBlackBoxBlockBytes,
      " of 1048576 bytes: later records may be lost\n");
  const Result report = RunCommand({folder.box()});
  EXPECT_EQ(report.exit_code, 0);
  EXPECT_TRUE(absl::StrContains(report.output, losses)) << report.output;
  EXPECT_TRUE(absl::StrContains(report.output, "2023-11-14 22:14:19.000 UTC"));
  const Result metrics = RunCommand({folder.box(), "--metrics"});
  EXPECT_EQ(metrics.exit_code, 0);
  EXPECT_EQ(metrics.error, losses);
  EXPECT_TRUE(absl::StrContains(
      metrics.output,
      absl::StrCat("poolscope_direct_memory_used_bytes{allocator=\"rpc\"} ",
                   79 << 20, "\n")));
}

// A sidecar that ran for some seconds, and was stopped.
class SidecarBoxTest : public testing::Test {
 protected:
  SidecarBoxTest() {
    pool_ = PooledAllocator::Create(PoolOptions{}).value();
    options_.listen_address = "127.0.0.1:0";
    options_.black_box_path = folder_.box();
    options_.black_box_bytes = BlackBoxFile::kMinBytes;
  }

  std::unique_ptr<Sidecar> Start() {
    absl::StatusOr<std::unique_ptr<Sidecar>> sidecar = Sidecar::Start(options_);
    EXPECT_TRUE(sidecar.ok()) << sidecar.status();
    if (!sidecar.ok()) return nullptr;
    EXPECT_TRUE((*sidecar)->RegisterAllocator(pool_.get()).ok());
    return *std::move(sidecar);
  }

  // Scrapes until the page has `text`.
  std::string Await(const Sidecar& sidecar, const std::string& text) {
    while (true) {
      std::string body = Get(sidecar.port(), "/metrics").body;
      if (absl::StrContains(body, text)) return body;
    }
  }
  void AwaitRecords(size_t count) {
    while (ReadBlackBox(folder_.box())->records.size() < count) {
    }
  }

  const TestFolder folder_;
  std::unique_ptr<PooledAllocator> pool_;
  SidecarOptions options_;
};

TEST_F(SidecarBoxTest, PromtoolTakesTheExport) {
  std::unique_ptr<Sidecar> sidecar = Start();
  ASSERT_NE(sidecar, nullptr);
  for (size_t size = 1; size < (16 << 20); size = size * 3 + 1) {
    pool_->Free(pool_->Allocate(size));
  }
  AwaitRecords(3);
  sidecar->Stop();
  const Result result = RunCommand({folder_.box(), "--openmetrics"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.error, "");
  EXPECT_TRUE(absl::EndsWith(result.output, "\n# EOF\n"));
  const std::string text = testing::TempDir() + "/openmetrics.txt";
  const std::string blocks = testing::TempDir() + "/blocks";
  WriteAll(text, result.output);
  EXPECT_EQ(Shell(absl::StrCat("rm -rf '", blocks,
                               "' && promtool tsdb create-blocks-from "
                               "openmetrics '",
                               text, "' '", blocks, "'")),
            0);
  // A data base has a log, too, for this.
  ASSERT_EQ(Shell(absl::StrCat("mkdir '", blocks, "/wal'")), 0);
  EXPECT_EQ(Shell(absl::StrCat("promtool tsdb dump '", blocks,
                               "' | grep -q poolscope_arena_used_bytes")),
            0);
  WriteAll(text, result.output.substr(0, result.output.size() - 6));
  EXPECT_NE(Shell(absl::StrCat("promtool tsdb create-blocks-from openmetrics '",
                               text, "' '", blocks, "'")),
            0);
}

TEST_F(SidecarBoxTest, TheLastRecordIsThatOfStop) {
  std::unique_ptr<Sidecar> sidecar = Start();
  ASSERT_NE(sidecar, nullptr);
  void* const block = pool_->Allocate(100000);
  sidecar->Stop();
  pool_->Free(block);
  const absl::StatusOr<BlackBox> box = ReadBlackBox(folder_.box());
  ASSERT_TRUE(box.ok()) << box.status();
  EXPECT_TRUE(box->records.back().last);
  for (size_t i = 0; i + 1 < box->records.size(); ++i) {
    EXPECT_FALSE(box->records[i].last);
  }
  const Result metrics = RunCommand({folder_.box(), "--metrics"});
  EXPECT_TRUE(absl::StrContains(
      metrics.output,
      "poolscope_arena_active_allocations{allocator=\"default\",arena=\"0\","
      "kind=\"normal\"} 1\n"))
      << metrics.output;
  EXPECT_TRUE(absl::StrContains(RunCommand({folder_.box()}).output,
                                "Its sidecar was stopped then.\n"));
}

TEST_F(SidecarBoxTest, NamesAreWrittenWhenTheyChange) {
  std::unique_ptr<Sidecar> sidecar = Start();
  ASSERT_NE(sidecar, nullptr);
  AwaitRecords(4);
  sidecar->UnregisterAllocator(pool_.get());
  AwaitRecords(7);
  sidecar->Stop();
  // A record with names is larger than one without.
  const absl::StatusOr<BlackBox> box = ReadBlackBox(folder_.box());
  ASSERT_TRUE(box.ok()) << box.status();
  size_t changes = 0;
  for (size_t i = 0; i < box->records.size(); ++i) {
    const BlackBoxRecord& record = box->records[i];
    EXPECT_TRUE(JoinExposition(*record.names, record.values).has_value());
    if (i > 0 && record.names != box->records[i - 1].names) ++changes;
  }
  EXPECT_GE(changes, 2u);
  EXPECT_LT(changes, box->records.size() - 1);
}

TEST_F(SidecarBoxTest, ACollectableThatHangsHoldsUpNoRecord) {
  std::unique_ptr<Sidecar> sidecar = Start();
  ASSERT_NE(sidecar, nullptr);
  const auto slow = std::make_shared<SlowCollectable>();
  slow->Hold();
  sidecar->RegisterCollectable(slow);
  AwaitRecords(3);
  sidecar->Stop();
  slow->Release();
  const Result metrics = RunCommand({folder_.box(), "--metrics"});
  EXPECT_TRUE(absl::StrContains(metrics.output, "poolscope_arena_used_bytes"));
  EXPECT_FALSE(absl::StrContains(metrics.output, "slow_calls_total"));
}

TEST_F(SidecarBoxTest, HowItGoesIsAMetric) {
  std::unique_ptr<Sidecar> sidecar = Start();
  ASSERT_NE(sidecar, nullptr);
  const std::string body =
      Await(*sidecar, "poolscope_scrape_success{collector=\"black_box\"} 1\n");
  EXPECT_TRUE(absl::StrContains(
      body, "poolscope_scrape_duration_seconds{collector=\"black_box\"} "));
  ASSERT_EQ(truncate(folder_.box().c_str(), 5000), 0);
  Await(*sidecar, "poolscope_scrape_success{collector=\"black_box\"} 0\n");
}

TEST_F(SidecarBoxTest, WalksAreOfTheLastSeconds) {
  options_.walk_interval = absl::Hours(1);
  std::unique_ptr<Sidecar> sidecar = Start();
  ASSERT_NE(sidecar, nullptr);
  const auto walk_id = [&] {
    const absl::StatusOr<NativeMemoryStats> stats = ParseNativeMemoryText(
        ReadBlackBox(folder_.box())->records.back().native);
    return stats.ok() ? stats->walk_id : 0;
  };
  while (walk_id() < 2) {
  }
  sidecar->Stop();
  EXPECT_TRUE(absl::StrContains(RunCommand({folder_.box()}).output,
                                "\nNative Memory Tracking:\n"));
}

TEST_F(SidecarBoxTest, AStartThatFailsLeavesThePreviousRunWhereItIs) {
  std::unique_ptr<Sidecar> sidecar = Start();
  ASSERT_NE(sidecar, nullptr);
  options_.black_box_path.clear();
  const std::unique_ptr<Sidecar> other =
      Sidecar::Start(options_).value();  // takes a port
  sidecar->Stop();
  sidecar.reset();
  const std::string before = ReadAll(folder_.box());
  options_.black_box_path = folder_.box();
  options_.listen_address = absl::StrCat("127.0.0.1:", other->port());
  EXPECT_FALSE(Sidecar::Start(options_).ok());
  EXPECT_EQ(ReadAll(folder_.box()), before);
  EXPECT_EQ(ReadAll(folder_.previous()), "");
}

TEST_F(SidecarBoxTest, AForeignFileIsRefusedAtTheStart) {
  WriteAll(folder_.box(), "important");
  const absl::Status status = Sidecar::Start(options_).status();
  EXPECT_TRUE(absl::StrContains(status.message(), "it is left as it is"))
      << status;
  EXPECT_EQ(ReadAll(folder_.box()), "important");
}

TEST_F(SidecarBoxTest, TheSizeHasBounds) {
  for (const uint64_t bytes :
       {BlackBoxFile::kMinBytes - 1, BlackBoxFile::kMaxBytes + 1}) {
    options_.black_box_bytes = bytes;
    EXPECT_EQ(Sidecar::Start(options_).status().message(),
              absl::StrCat("black_box_bytes is ", bytes,
                           "; it must be from 1048576 to 1073741824"));
  }
}

}  // namespace
}  // namespace poolscope

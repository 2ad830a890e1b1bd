// One program on each malloc: what each says of memory whose size is known.
// The mallocs are Debian's packages, preloaded; the probe runs plain, for a
// sanitizer's malloc and another one do not go together.

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "poolscope/tests/examples/subprocess.h"

namespace poolscope {
namespace {

constexpr double kHeld = 256 << 20;

struct Preload {
  const char* implementation;
  const char* library;  // empty: none
};

constexpr Preload kPreloads[] = {
    {"glibc", ""},
    {"jemalloc", "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"},
    {"tcmalloc", "/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4"},
    {"mimalloc", "/usr/lib/x86_64-linux-gnu/libmimalloc.so.2"},
};

using Fields = std::map<std::string, std::string>;

// "glibc in_use=1 free=2": the first word under "".
Fields ParseFields(const std::string& line) {
  Fields fields;
  for (absl::string_view word : absl::StrSplit(line, ' ')) {
    const std::vector<std::string> halves =
        absl::StrSplit(word, absl::MaxSplits('=', 1));
    if (halves.size() == 2) {
      fields[halves[0]] = halves[1];
    } else {
      fields[""] = halves[0];
    }
  }
  return fields;
}

double Number(const Fields& fields, const std::string& name) {
  const auto found = fields.find(name);
  uint64_t value = 0;
  if (found == fields.end() || !absl::SimpleAtoi(found->second, &value)) {
    return -1;
  }
  return static_cast<double>(value);
}

// The three lines of the probe.
std::vector<Fields> Probe(const Preload& preload, size_t block_bytes,
                          int threads) {
  Subprocess probe({"/usr/bin/env",
                    absl::StrCat("LD_PRELOAD=", preload.library),
                    absl::StrCat(std::getenv("TEST_SRCDIR"),
                                 "/poolscope/tests/metrics/process/"
                                 "malloc_probe"),
                    absl::StrCat(block_bytes), absl::StrCat(threads)});
  EXPECT_EQ(probe.Wait(), 0) << probe.errors();
  // The loader says so on standard error when there is nothing to preload.
  EXPECT_EQ(probe.errors(), "");
  std::vector<Fields> lines;
  for (absl::string_view line :
       absl::StrSplit(probe.output(), '\n', absl::SkipEmpty())) {
    lines.push_back(ParseFields(std::string(line)));
  }
  EXPECT_EQ(lines.size(), 3u) << probe.output();
  lines.resize(3);
  return lines;
}

class MallocFiguresTest : public testing::TestWithParam<Preload> {};

TEST_P(MallocFiguresTest, InUseIsWithinTwoPercent) {
  const bool mimalloc = GetParam().implementation == std::string("mimalloc");
  for (const size_t block_bytes : {4096, 65536}) {
    const std::vector<Fields> lines = Probe(GetParam(), block_bytes, 1);
    EXPECT_EQ(lines[0].at(""), GetParam().implementation);
    const char* const in_use = mimalloc ? "thread_in_use" : "in_use";
    EXPECT_NEAR(Number(lines[0], in_use), kHeld, kHeld * 0.02);
    EXPECT_NEAR(Number(lines[1], in_use), kHeld / 2, kHeld / 2 * 0.02);
    // Every other block is free, and no page of 4 KiB goes back for that.
    EXPECT_GE(Number(lines[1], "mapped"), kHeld);
    if (mimalloc) continue;
    EXPECT_GE(Number(lines[1], "free"), kHeld / 2 * 0.98);
    for (const Fields& line : {lines[0], lines[1]}) {
      EXPECT_LE(Number(line, "in_use") + Number(line, "free"),
                Number(line, "mapped"));
    }
  }
}

TEST_P(MallocFiguresTest, EveryThreadsMemoryCounts) {
  const std::vector<Fields> lines = Probe(GetParam(), 4096, 4);
  EXPECT_GE(Number(lines[0], "mapped"), kHeld);
  const std::string implementation = GetParam().implementation;
  if (implementation == "mimalloc") {
    // It counts nothing over all threads, and that is not shown as 0.
    EXPECT_EQ(lines[0].at("in_use"), "-");
    EXPECT_EQ(lines[0].at("free"), "-");
    return;
  }
  EXPECT_NEAR(Number(lines[0], "in_use"), kHeld, kHeld * 0.02);
  EXPECT_NEAR(Number(lines[1], "in_use"), kHeld / 2, kHeld / 2 * 0.02);
  if (implementation == "glibc") {
    EXPECT_EQ(lines[0].at("arenas"), "5") << "main() and four threads";
  }
}

TEST_P(MallocFiguresTest, TrimGivesBackWhatIsFree) {
  const Fields trim = Probe(GetParam(), 4096, 1)[2];
  EXPECT_EQ(trim.at("trimmed"), "1");
  EXPECT_GE(Number(trim, "before"), kHeld);
  EXPECT_LE(Number(trim, "after"), kHeld / 4);
}

INSTANTIATE_TEST_SUITE_P(Mallocs, MallocFiguresTest,
                         testing::ValuesIn(kPreloads), [](const auto& info) {
                           return std::string(info.param.implementation);
                         });

}  // namespace
}  // namespace poolscope

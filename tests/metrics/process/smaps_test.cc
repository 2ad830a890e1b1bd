#include "poolscope/metrics/process/smaps.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace poolscope {
namespace {

std::string Sample(absl::string_view kernel) {
  std::ifstream file(
      absl::StrCat("tests/metrics/process/testdata/smaps_", kernel, ".txt"));
  EXPECT_TRUE(file.is_open()) << kernel;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Parsed {
  absl::Status status;
  std::vector<Mapping> mappings;
};

Parsed Parse(absl::string_view text, size_t piece_bytes = SIZE_MAX) {
  Parsed parsed;
  SmapsParser parser([&](const Mapping& mapping) {
    parsed.mappings.push_back(mapping);
    return true;
  });
  while (!text.empty() && parsed.status.ok()) {
    parsed.status = parser.Feed(text.substr(0, piece_bytes));
    text.remove_prefix(std::min(text.size(), piece_bytes));
  }
  if (parsed.status.ok()) parsed.status = parser.Finish();
  return parsed;
}

std::string ToString(const std::vector<Mapping>& mappings) {
  std::string text;
  for (const Mapping& m : mappings) {
    absl::StrAppend(&text, absl::Hex(m.start), "-", absl::Hex(m.end), " ",
                    m.readable ? "r" : "-", m.writable ? "w" : "-",
                    m.executable ? "x" : "-", m.shared ? "s" : "p", " ",
                    absl::Hex(m.file_offset), " ", m.inode, " ",
                    m.resident_bytes, " \"", m.name, "\"\n");
  }
  return text;
}

TEST(SmapsParserTest, ReadsTheFieldsOfEveryKernel) {
  EXPECT_EQ(ToString(Parse(Sample("6_18")).mappings),
            "559f3327c000-559f3327f000 r--p 0 248030 12288 "
            "\"/usr/bin/service\"\n"
            "7f4ff4000000-7f4ff4021000 rw-p 0 0 16384 \"\"\n"
            "7f4ffd02c000-7f4ffd02e000 r-xp 0 0 8192 \"[vdso]\"\n"
            "ffffffffff600000-ffffffffff601000 --xp 0 0 0 \"[vsyscall]\"\n");
  EXPECT_EQ(ToString(Parse(Sample("4_18")).mappings),
            "400000-44d000 r-xp 0 50332789 245760 "
            "\"/opt/service/bin/service\"\n"
            "1c3a000-1c5b000 rw-p 0 0 8192 \"[heap]\"\n"
            "7f2c80000000-7f2c80040000 rw-s 0 917504 65536 "
            "\"/SYSV00000000 (deleted)\"\n");
  EXPECT_EQ(ToString(Parse(Sample("2_6_32")).mappings),
            "400000-40b000 r-xp 0 1188 40960 \"/bin/service\"\n"
            "7fff5a2f4000-7fff5a309000 rw-p 0 0 12288 \"[stack]\"\n");
}

TEST(SmapsParserTest, TextMayBeCutAnywhere) {
  for (const char* kernel : {"6_18", "4_18", "2_6_32"}) {
    const std::string text = Sample(kernel);
    const std::string whole = ToString(Parse(text).mappings);
    for (size_t piece_bytes = 1; piece_bytes < 100; ++piece_bytes) {
      const Parsed parsed = Parse(text, piece_bytes);
      EXPECT_TRUE(parsed.status.ok()) << parsed.status;
      ASSERT_EQ(ToString(parsed.mappings), whole) << piece_bytes;
    }
  }
}

TEST(SmapsParserTest, TakesWhatIsThereOfATextThatEndsEarly) {
  const std::string text = Sample("6_18");
  for (size_t bytes = 0; bytes <= text.size(); ++bytes) {
    const Parsed parsed = Parse(absl::string_view(text).substr(0, bytes));
    // A mapping's own line that is cut off is the one thing that is an error.
    EXPECT_TRUE(parsed.status.ok() || absl::IsDataLoss(parsed.status));
    EXPECT_LE(parsed.mappings.size(), 4u);
  }
  EXPECT_EQ(Parse("").mappings.size(), 0u);
  EXPECT_EQ(Parse("1000-2000 r--p 0 0:0 0").mappings.size(), 1u);
}

TEST(SmapsParserTest, NamesMayHoldAnything) {
  const std::string prefix = "1000-2000 r--p 00000000 fe:00 7      ";
  for (const std::string name :
       {"/a b", "/new\\012line", "/gone (deleted)", "/Rss: 9 kB", "/\x01\xff",
        "/1000-2000 r--p", "[anon: my label]", "anon_inode:[io_uring]", "7",
        "/tab\tin it "}) {
    const Parsed parsed = Parse(prefix + name + "\nRss: 4 kB\n");
    ASSERT_EQ(parsed.mappings.size(), 1u) << name << parsed.status;
    EXPECT_EQ(parsed.mappings[0].name, name);
    EXPECT_EQ(parsed.mappings[0].resident_bytes, 4096u);
  }
  const std::string zero("/a\0b", 4);
  EXPECT_EQ(Parse(prefix + zero + "\n").mappings.at(0).name, zero);
}

TEST(SmapsParserTest, ALineOfAnyLengthIsOneLine) {
  const std::string path(100000, 'p');
  for (const size_t piece_bytes : {size_t{1}, size_t{4096}, SIZE_MAX}) {
    const Parsed parsed = Parse("1000-2000 r--p 0 0:0 5 /" + path +
                                    "\nRss: 4 kB\n2000-3000 rw-p 0 0:0 0\n",
                                piece_bytes);
    ASSERT_EQ(parsed.mappings.size(), 2u) << parsed.status;
    EXPECT_EQ(parsed.mappings[0].resident_bytes, 4096u);
    EXPECT_GT(parsed.mappings[0].name.size(), 16380u);  // PATH_MAX, escaped
    EXPECT_EQ(parsed.mappings[1].name, "");
  }
}

TEST(SmapsParserTest, RefusesWhatIsNoMapping) {
  for (const char* text :
       {"1000 r--p 0 0:0 0", "1000-1000 r--p 0 0:0 0", "2000-1000 r--p 0 0:0 0",
        "1000-2000 r--q 0 0:0 0", "1000-2000 r-- 0 0:0 0",
        "1000-2000 rxwp 0 0:0 0", "1000-2000 r--p 0 0:0",
        "1000-2000 r--p 0 0 0", "1000-2000 r--p 0 0:0 0x",
        "1000-10000000000000000 r--p 0 0:0 0",
        "1000-2000 r--p 0 0:0 18446744073709551616", "1000-", "f"}) {
    EXPECT_TRUE(absl::IsDataLoss(Parse(text).status)) << text;
  }
  // The largest numbers that there are.
  EXPECT_TRUE(Parse("0-ffffffffffffffff r--p ffffffffffffffff ff:fffff "
                    "18446744073709551615")
                  .status.ok());
}

TEST(SmapsParserTest, RefusesASizeThatIsNone) {
  const std::string mapping = "1000-2000 r--p 0 0:0 0\n";
  const auto status = [&](const char* field) {
    return Parse(mapping + field).status.code();
  };
  EXPECT_EQ(status("Rss: 18014398509481983 kB"), absl::StatusCode::kOk);
  for (const char* field :
       {"Rss: 18014398509481984 kB", "Rss: 99999999999999999999 kB",
        "Rss:", "Rss: x kB", "Rss: -1 kB"}) {
    EXPECT_EQ(status(field), absl::StatusCode::kDataLoss) << field;
  }
  EXPECT_TRUE(absl::IsDataLoss(Parse("Rss: 4 kB\n" + mapping).status))
      << "of no mapping";
}

TEST(SmapsParserTest, WhatIsNotKnownIsPassedOver) {
  const Parsed parsed = Parse(
      "1000-2000 r--p 0 0:0 0\nFresh: 99999999999999999999 kB\n\n \nRss_Huge: "
      "5 kB\nRss: 4 kB\nNoColon\nVmFlags: zz \n");
  ASSERT_EQ(parsed.mappings.size(), 1u) << parsed.status;
  EXPECT_EQ(parsed.mappings[0].resident_bytes, 4096u);
}

TEST(SmapsParserTest, StopsWhenTheVisitorHasEnough) {
  int visits = 0;
  SmapsParser parser([&](const Mapping&) { return ++visits < 2; });
  EXPECT_TRUE(parser.Feed(Sample("6_18")).ok());
  EXPECT_TRUE(parser.stopped());
  EXPECT_TRUE(parser.Feed("1000 is no mapping\n7f").ok());
  EXPECT_TRUE(parser.Finish().ok());
  EXPECT_EQ(visits, 2);
}

TEST(ReadSmapsTest, ReadsThisProcess) {
  uint64_t resident_bytes = 0;
  bool found = false;
  uint64_t end = 0;
  const uint64_t here = reinterpret_cast<uint64_t>(&found);
  const absl::Status status = ReadSmaps("/proc", [&](const Mapping& mapping) {
    EXPECT_GE(mapping.start, end);
    end = mapping.end;
    resident_bytes += mapping.resident_bytes;
    found |= mapping.start <= here && here < mapping.end;
    return true;
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(found);
  EXPECT_GT(resident_bytes, 100000u);
}

TEST(ReadSmapsTest, ErrorsNameTheFile) {
  const auto ignore = [](const Mapping&) { return true; };
  const absl::Status missing = ReadSmaps("/nonexistent", ignore);
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(missing.message().find("/nonexistent/self/smaps"),
            absl::string_view::npos);

  const std::string root = testing::TempDir() + "/smaps_root";
  mkdir(root.c_str(), 0755);
  mkdir((root + "/self").c_str(), 0755);
  std::ofstream(root + "/self/smaps") << "1000-\n";
  const absl::Status broken = ReadSmaps(root, ignore);
  EXPECT_EQ(broken.code(), absl::StatusCode::kDataLoss);
  EXPECT_NE(broken.message().find(root + "/self/smaps: line 1"),
            absl::string_view::npos)
      << broken;

  const std::string folder = testing::TempDir() + "/smaps_folder";
  mkdir(folder.c_str(), 0755);
  mkdir((folder + "/self").c_str(), 0755);
  mkdir((folder + "/self/smaps").c_str(), 0755);
  const absl::Status unreadable = ReadSmaps(folder, ignore);
  EXPECT_EQ(unreadable.code(), absl::StatusCode::kUnavailable) << unreadable;
}

}  // namespace
}  // namespace poolscope

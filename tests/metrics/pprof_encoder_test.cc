// Profiles as a reader that is not ours understands them.
#include "poolscope/metrics/pprof_encoder.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "poolscope/tests/metrics/pprof_reader.h"

namespace poolscope {
namespace {

HeapProfile SampleProfile() {
  HeapProfile profile;
  profile.samples = {
      {"rpc", {0x1010, 0x1020, 0x2010}, 3.4, 4096.6},
      {"cache", {0x1020, 0x2010}, 1, 64},
      {"rpc", {HeapProfileBuilder::kNoStack}, 2, 32},
      {"rpc", {0x9000}, 1, 16},
  };
  profile.functions = {
      {HeapProfileBuilder::kNoStack,
       std::string(HeapProfileBuilder::kNoStackName)},
      {0x1010, "Read(\"\xc3\xa4\")"},
      {0x1020, "Loop()"},
      {0x2010, ""},
      {0x9000, "Jit()"},
  };
  profile.objects = {
      {"/bin/demo", "0badcafe", 0x1000, 0x2000, 0x3000},
      {"/lib/libc.so", "", 0x2000, 0x3000, 0},
  };
  profile.period_bytes = 524288;
  profile.time_nanos = 1700000000123456789;
  profile.comments = {"one", "two"};
  return profile;
}

PprofProfile Decoded(const HeapProfile& profile) {
  const absl::StatusOr<PprofProfile> decoded =
      DecodePprof(EncodePprof(profile));
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  return decoded.ok() ? *decoded : PprofProfile();
}

TEST(PprofEncoderTest, TypesAreThoseOfAHeap) {
  const PprofProfile profile = Decoded(SampleProfile());
  EXPECT_EQ(
      profile.sample_types,
      (std::vector<std::string>{"inuse_objects/count", "inuse_space/bytes"}));
  EXPECT_EQ(profile.default_sample_type, "inuse_space");
  EXPECT_EQ(profile.period_type, "space/bytes");
  EXPECT_EQ(profile.period, 524288);
  EXPECT_EQ(profile.time_nanos, 1700000000123456789);
  EXPECT_EQ(profile.comments, (std::vector<std::string>{"one", "two"}));
}

TEST(PprofEncoderTest, SamplesKeepOrderValuesAndLabels) {
  const PprofProfile profile = Decoded(SampleProfile());
  ASSERT_EQ(profile.samples.size(), 4u);
  const PprofProfile::Sample& first = profile.samples[0];
  EXPECT_EQ(first.values, (std::vector<int64_t>{3, 4097}));  // rounded
  EXPECT_EQ(first.labels,
            (std::map<std::string, std::string>{{"allocator", "rpc"}}));
  ASSERT_EQ(first.stack.size(), 3u);
  EXPECT_EQ(first.stack[0].address, 0x1010u);
  EXPECT_EQ(first.stack[0].function, "Read(\"\xc3\xa4\")");
  EXPECT_EQ(first.stack[1].function, "Loop()");
  EXPECT_EQ(first.stack[2].function, "");
  EXPECT_EQ(profile.samples[1].labels.at("allocator"), "cache");
  EXPECT_EQ(profile.Top(1), "Read(\"\xc3\xa4\")");
  EXPECT_EQ(profile.Total(1), 4097 + 64 + 32 + 16);
  EXPECT_EQ(profile.Total(1, "cache"), 64);
  EXPECT_EQ(profile.Flat(0).at("[stack not recorded]"), 2);
}

TEST(PprofEncoderTest, LocationsAreInTheirMappings) {
  const PprofProfile profile = Decoded(SampleProfile());
  ASSERT_EQ(profile.mappings.size(), 2u);
  EXPECT_EQ(profile.mappings[0].path, "/bin/demo");
  EXPECT_EQ(profile.mappings[0].build_id, "0badcafe");
  EXPECT_EQ(profile.mappings[0].begin, 0x1000u);
  EXPECT_EQ(profile.mappings[0].end, 0x2000u);
  EXPECT_EQ(profile.mappings[0].file_offset, 0x3000u);
  EXPECT_EQ(profile.mappings[1].build_id, "");
  const PprofProfile::Sample& first = profile.samples[0];
  EXPECT_EQ(first.stack[0].mapping.path, "/bin/demo");
  EXPECT_EQ(first.stack[2].mapping.path, "/lib/libc.so");
  // Code that no file holds, and no code.
  EXPECT_EQ(profile.samples[2].stack[0].mapping.path, "");
  EXPECT_EQ(profile.samples[3].stack[0].mapping.path, "");
  // Tools look up the names themselves where we know one too few.
  EXPECT_TRUE(profile.mappings[0].has_functions);
  EXPECT_FALSE(profile.mappings[1].has_functions);
}

// Readers of protobuf refuse the whole profile else.
TEST(PprofEncoderTest, StringsAreUtf8) {
  HeapProfile profile = SampleProfile();
  profile.objects[0].path = "/bin/d\xe9mo";
  profile.functions[0x1020] = "Loop\xff()";
  profile.samples[1].allocator = "\xe4";
  const PprofProfile decoded = Decoded(profile);
  EXPECT_EQ(decoded.mappings[0].path, "/bin/d\\xe9mo");
  EXPECT_EQ(decoded.samples[0].stack[0].function, "Read(\"\xc3\xa4\")");
  EXPECT_EQ(decoded.samples[0].stack[1].function, "Loop\\xff()");
  EXPECT_EQ(decoded.samples[1].labels.at("allocator"), "\\xe4");
}

TEST(PprofEncoderTest, AnEmptyProfileIsOne) {
  const PprofProfile profile = Decoded(HeapProfile());
  EXPECT_TRUE(profile.samples.empty());
  EXPECT_EQ(profile.sample_types.size(), 2u);
  EXPECT_EQ(profile.default_sample_type, "inuse_space");
  EXPECT_EQ(profile.period, 0);
}

TEST(PprofEncoderTest, TheReaderNoticesWhatIsBroken) {
  std::string bytes = EncodePprof(SampleProfile());
  EXPECT_FALSE(DecodePprof(bytes.substr(0, bytes.size() - 1)).ok());
  EXPECT_FALSE(DecodePprof("\x12\x04\x0a\x02\x07\x08").ok());  // no locations
}

}  // namespace
}  // namespace poolscope

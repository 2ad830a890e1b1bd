// Which courses of resident memory are taken for flat, and which for a leak.
#include "poolscope/tests/soak/resident_windows.h"

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace poolscope::soak {
namespace {

// 1001 samples, a second apart.
ResidentWindows Judge(const std::function<uint64_t(int second)>& bytes_at) {
  std::vector<ResidentSample> samples;
  for (int second = 0; second <= 1000; ++second) {
    samples.push_back({absl::Seconds(second), bytes_at(second)});
  }
  return JudgeResident(samples);
}

TEST(ResidentWindowsTest, AreThirdsAfterTheFirstTenth) {
  const ResidentWindows windows = Judge([](int second) -> uint64_t {
    if (second < 100) return 7;
    if (second < 400) return 100;
    return second < 700 ? 200 : 300;
  });
  EXPECT_EQ(windows.high_tides[0], 100u);
  EXPECT_EQ(windows.high_tides[1], 200u);
  EXPECT_EQ(windows.high_tides[2], 300u);
  EXPECT_DOUBLE_EQ(windows.change(), 2);
}

TEST(ResidentWindowsTest, NineOfTenSamplesDoNotExceedTheHighTide) {
  const auto peaks = [](int every) {
    return Judge([every](int second) -> uint64_t {
      return second % every == 0 ? 200 : 100;
    });
  };
  EXPECT_EQ(peaks(11).high_tides[1], 100u);
  EXPECT_EQ(peaks(9).high_tides[1], 200u);
}

TEST(ResidentWindowsTest, AreFlatUpToTheShareEitherWay) {
  const auto step = [](uint64_t last) {
    return Judge([last](int second) -> uint64_t {
      return second < 700 ? 100000 : last;
    });
  };
  EXPECT_TRUE(IsFlat(step(100000), 0.02));
  EXPECT_TRUE(IsFlat(step(101999), 0.02));
  EXPECT_FALSE(IsFlat(step(102001), 0.02));
  EXPECT_TRUE(IsFlat(step(98001), 0.02));
  EXPECT_FALSE(IsFlat(step(97999), 0.02));
}

TEST(ResidentWindowsTest, NeitherTidesNorPeaksAreALeak) {
  EXPECT_TRUE(IsFlat(Judge([](int second) -> uint64_t {
                       const uint64_t tide = second / 10 % 2 == 0 ? 0 : 50000;
                       return 100000 + tide + (second % 97 == 0 ? 900000 : 0);
                     }),
                     0.02));
}

TEST(ResidentWindowsTest, ASlowLeakBehindTidesIsFound) {
  // From the middle of the first third to that of the last it is 600 s.
  const auto leak = [](uint64_t bytes_per_second) {
    return Judge([bytes_per_second](int second) -> uint64_t {
      return 100000 + static_cast<uint64_t>(second % 7) * 1000 +
             static_cast<uint64_t>(second) * bytes_per_second;
    });
  };
  EXPECT_TRUE(IsFlat(leak(3), 0.02));
  EXPECT_FALSE(IsFlat(leak(4), 0.02));
}

TEST(ResidentWindowsTest, OfNoSampleAreFlat) {
  EXPECT_TRUE(IsFlat(JudgeResident({}), 0.02));
  EXPECT_EQ(JudgeResident({}).high_tides[0], 0u);
}

TEST(ResidentWindowsTest, AreToldInMebibytes) {
  const ResidentWindows windows = Judge([](int second) -> uint64_t {
    return second < 700 ? 100 << 20 : 101 << 20;
  });
  EXPECT_EQ(windows.Text(), "100.0, 100.0 and 101.0 MiB, +1.00 %");
}

}  // namespace
}  // namespace poolscope::soak

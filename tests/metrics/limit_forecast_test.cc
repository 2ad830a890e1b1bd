#include "poolscope/metrics/limit_forecast.h"

#include <cmath>
#include <functional>
#include <optional>
#include <random>

#include "gtest/gtest.h"

namespace poolscope {
namespace {

constexpr int64_t kInterval = 5'000'000'000;
constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kGiB = 1 << 30;
constexpr int kWindow = LimitForecast::kMaxSamples;

// What is forecast after `count` samples of `used(i)`.
std::optional<double> After(int count, const std::function<double(int)>& used,
                            uint64_t headroom_bytes = kGiB) {
  LimitForecast forecast;
  for (int i = 0; i < count; ++i) {
    forecast.Add(i * kInterval, static_cast<uint64_t>(used(i)));
  }
  return forecast.SecondsUntilUsed(headroom_bytes);
}

TEST(LimitForecastTest, LinearGrowthIsForecastExactly) {
  // 1 MiB in five seconds, 100 MiB left.
  const auto used = [](int i) { return 1e9 + i * 1.0 * kMiB; };
  EXPECT_DOUBLE_EQ(After(kWindow, used, 100 * kMiB).value(), 500);
  EXPECT_DOUBLE_EQ(After(10 * kWindow, used, 100 * kMiB).value(), 500);
  EXPECT_EQ(After(kWindow, used, 0), 0);
}

TEST(LimitForecastTest, NothingIsSaidBeforeThereAreEnoughSamples) {
  const auto used = [](int i) { return i * 1.0 * kMiB; };
  EXPECT_EQ(After(0, used), std::nullopt);
  EXPECT_EQ(After(LimitForecast::kMinSamples - 1, used), std::nullopt);
  EXPECT_TRUE(After(LimitForecast::kMinSamples, used).has_value());
}

TEST(LimitForecastTest, NeitherRestNorFallingIsGrowth) {
  EXPECT_EQ(After(kWindow, [](int) { return 1e9; }), std::nullopt);
  EXPECT_EQ(After(kWindow, [](int i) { return 1e9 - i * 1e6; }), std::nullopt);
}

TEST(LimitForecastTest, NoiseAloneIsNoGrowth) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> noise(0, 100e6);
  int forecasts = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    // Nearly full: the horizon keeps nothing back.
    forecasts += After(
                     kWindow, [&](int) { return 1e9 + noise(random); }, kMiB)
                     .has_value();
  }
  EXPECT_LE(forecasts, 2);
}

TEST(LimitForecastTest, GrowthUnderNoiseIsForecastNearly) {
  std::mt19937 random(2);
  // As much noise as a fifth of the window grows.
  std::uniform_real_distribution<double> noise(0, 12e6);
  for (int trial = 0; trial < 100; ++trial) {
    const std::optional<double> seconds = After(
        kWindow, [&](int i) { return 1e9 + i * 1e6 + noise(random); }, 100e6);
    ASSERT_TRUE(seconds.has_value());
    EXPECT_NEAR(*seconds, 500, 75);
  }
}

TEST(LimitForecastTest, ASingleStepIsNoGrowth) {
  for (int at = 0; at <= kWindow; ++at) {
    EXPECT_EQ(After(
                  kWindow, [&](int i) { return i < at ? 1e9 : 2e9; }, kMiB),
              std::nullopt)
        << at;
  }
}

TEST(LimitForecastTest, StepsOneAfterAnotherAreGrowth) {
  // A chunk of 4 MiB each half minute.
  const std::optional<double> seconds = After(
      kWindow, [](int i) { return 1e9 + i / 6 * 4.0 * kMiB; }, 80 * kMiB);
  ASSERT_TRUE(seconds.has_value());
  EXPECT_NEAR(*seconds, 600, 60);
}

TEST(LimitForecastTest, ASawtoothThatReturnsToItsFloorIsNoGrowth) {
  // Up to a third of the window, from each phase.
  for (int period = 2; period <= kWindow / 3; ++period) {
    for (int phase = 0; phase < period; ++phase) {
      EXPECT_EQ(
          After(
              kWindow, [&](int i) { return 1e9 + (i + phase) % period * 1e7; },
              kMiB),
          std::nullopt)
          << period << " " << phase;
    }
  }
}

TEST(LimitForecastTest, ASawtoothWhoseFloorRisesIsGrowth) {
  const std::optional<double> seconds = After(
      kWindow, [](int i) { return 1e9 + i * 2e6 + i % 6 * 2e6; }, 400e6);
  ASSERT_TRUE(seconds.has_value());
  EXPECT_NEAR(*seconds, 1000, 150);
}

TEST(LimitForecastTest, OutliersDoNotMoveIt) {
  // One sample in five is far away, up or down.
  const std::optional<double> seconds = After(
      kWindow,
      [](int i) {
        return i % 10 == 3 ? 9e9 : i % 10 == 8 ? 9e8 : 1e9 + i * 1e6;
      },
      100e6);
  // The floor of both thirds is an outlier: nothing is said rather than wrong.
  EXPECT_EQ(seconds, std::nullopt);
  const std::optional<double> upwards = After(
      kWindow, [](int i) { return i % 5 == 3 ? 9e9 : 1e9 + i * 1e6; }, 100e6);
  ASSERT_TRUE(upwards.has_value());
  EXPECT_NEAR(*upwards, 500, 50);
}

TEST(LimitForecastTest, WhatIsBeyondTheHorizonIsNotForecast) {
  // One byte a second.
  const auto used = [](int i) { return 1e9 + 5.0 * i; };
  const double horizon = LimitForecast::kHorizonSeconds;
  EXPECT_EQ(After(kWindow, used, horizon - 1), horizon - 1);
  EXPECT_EQ(After(kWindow, used, horizon), horizon);
  EXPECT_EQ(After(kWindow, used, horizon + 1), std::nullopt);
}

TEST(LimitForecastTest, OldSamplesAreForgotten) {
  const auto used = [](int i) { return i < 100 ? 1e9 + i * 1e6 : 1.1e9; };
  EXPECT_TRUE(After(100, used).has_value());
  EXPECT_EQ(After(100 + kWindow, used), std::nullopt);
}

TEST(LimitForecastTest, UnevenIntervalsCount) {
  LimitForecast forecast;
  int64_t now = 0;
  for (int i = 0; i < 40; ++i) {
    now += (i % 7 + 1) * 1'000'000'000ll;
    forecast.Add(now, 1e9 + now / 1e9 * 1e6);
  }
  EXPECT_NEAR(forecast.SecondsUntilUsed(100e6).value(), 100, 0.01);
}

TEST(LimitForecastTest, TheSameInstantTwiceCountsOnce) {
  LimitForecast forecast;
  for (int i = 0; i < 30; ++i) {
    forecast.Add(i * kInterval, 5e9);
    forecast.Add(i * kInterval, 1e9 + i * 5e6);
  }
  EXPECT_NEAR(forecast.SecondsUntilUsed(100e6).value(), 100, 0.01);
}

}  // namespace
}  // namespace poolscope

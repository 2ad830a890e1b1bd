#include "poolscope/exporter/scraper.h"

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "poolscope/metrics/metric_registry.h"
#include "poolscope/tests/exporter/slow_collectable.h"
#include "poolscope/tests/exporter/thread_shortage.h"

namespace poolscope {
namespace {

constexpr ExpositionFormat kText = ExpositionFormat::kText;
constexpr ExpositionFormat kOpen = ExpositionFormat::kOpenMetrics;
constexpr absl::Duration kLong = absl::Seconds(30);
constexpr absl::Duration kShort = absl::Milliseconds(1);

class ScraperTest : public testing::Test {
 protected:
  ScraperTest() {
    registry_->AddCollectable(slow_);
    EXPECT_TRUE(scraper_.Start().ok());
  }
  // Nothing waits for a test that has failed.
  ~ScraperTest() override { slow_->Release(); }

  // A scrape that is late, while a collection is held up.
  Scraper::Scrape LateScrape(ExpositionFormat format) {
    slow_->Hold();
    Scraper::Scrape scrape = scraper_.Get(format, kShort);
    slow_->AwaitHeld();
    return scrape;
  }

  std::shared_ptr<SlowCollectable> slow_ = std::make_shared<SlowCollectable>();
  std::unique_ptr<MetricRegistry> registry_ =
      std::make_unique<MetricRegistry>(MetricRegistryOptions{});
  TextWriterPool writers_;
  Scraper scraper_{registry_.get(), &writers_};
};

// Which of the collections the scrape shows; 0 for none.
int CallIn(const Scraper::Scrape& scrape) {
  if (scrape.text == nullptr) return 0;
  for (int call = 1; call < 100; ++call) {
    if (absl::StrContains(
            scrape.text->text(),
            "\nslow_calls_total " + std::to_string(call) + "\n")) {
      return call;
    }
  }
  return -1;
}

TEST_F(ScraperTest, InTimeEachScrapeHasFiguresOfItsOwn) {
  for (int call = 1; call <= 3; ++call) {
    const Scraper::Scrape scrape = scraper_.Get(kText, kLong);
    EXPECT_EQ(CallIn(scrape), call);
    EXPECT_FALSE(scrape.late);
    EXPECT_EQ(scrape.age, absl::ZeroDuration());
  }
}

TEST_F(ScraperTest, LateWithoutEarlierFiguresThereIsNothing) {
  const Scraper::Scrape scrape = LateScrape(kText);
  EXPECT_EQ(scrape.text, nullptr);
  EXPECT_TRUE(scrape.late);
  EXPECT_FALSE(scrape.stopped);
}

TEST_F(ScraperTest, LateItHasTheLastUntilTheSlowOneHasCome) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(CallIn(scraper_.Get(kText, kLong)), 1);
  const Scraper::Scrape first = LateScrape(kText);
  EXPECT_TRUE(first.late);
  EXPECT_EQ(CallIn(first), 1);
  EXPECT_GT(first.age, absl::ZeroDuration());
  EXPECT_LE(first.age,
            absl::FromChrono(std::chrono::steady_clock::now() - before));
  const Scraper::Scrape second = scraper_.Get(kText, kShort);
  EXPECT_EQ(CallIn(second), 1);
  EXPECT_GT(second.age, first.age);

  // Call 2 goes on, and the next scrape has one that begins after it.
  slow_->Release();
  const Scraper::Scrape third = scraper_.Get(kText, kLong);
  EXPECT_FALSE(third.late);
  EXPECT_GE(CallIn(third), 3);
  const Scraper::Scrape fourth = LateScrape(kText);
  EXPECT_TRUE(fourth.late);
  EXPECT_EQ(CallIn(fourth), CallIn(third));
}

TEST_F(ScraperTest, WhatWasLateIsKeptThoughNobodyWaits) {
  EXPECT_EQ(LateScrape(kText).text, nullptr);  // call 1 is held up
  EXPECT_EQ(scraper_.Get(kText, kShort).text, nullptr);
  slow_->LetGo(1);
  slow_->AwaitHeld();  // now call 2 is
  const Scraper::Scrape scrape = scraper_.Get(kText, kShort);
  EXPECT_TRUE(scrape.late);
  EXPECT_EQ(CallIn(scrape), 1);
}

TEST_F(ScraperTest, ThereIsNeverMoreThanOneCollection) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, i] {
      for (int j = 0; j < 50; ++j) {
        const ExpositionFormat format = (i + j) % 2 == 0 ? kText : kOpen;
        const Scraper::Scrape scrape =
            scraper_.Get(format, j % 3 == 0 ? absl::ZeroDuration() : kLong);
        if (scrape.late) continue;
        EXPECT_EQ(scrape.format, format);
        EXPECT_EQ(absl::EndsWith(scrape.text->text(), "# EOF\n"),
                  format == kOpen);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(slow_->most_inside(), 1);
}

TEST_F(ScraperTest, EachFormatHasALastOfItsOwnOrTheOthers) {
  EXPECT_EQ(CallIn(scraper_.Get(kOpen, kLong)), 1);
  Scraper::Scrape scrape = LateScrape(kText);
  EXPECT_EQ(scrape.format, kOpen);  // better than none
  EXPECT_EQ(CallIn(scrape), 1);
  slow_->Release();
  EXPECT_EQ(scraper_.Get(kText, kLong).format, kText);
  scrape = LateScrape(kOpen);
  EXPECT_EQ(scrape.format, kOpen);
  EXPECT_EQ(CallIn(scrape), 1);
}

TEST_F(ScraperTest, FormatsTakeTurnsWhereBothAreWantedAtAllTimes) {
  EXPECT_EQ(LateScrape(kText).text, nullptr);  // call 1 is held up
  scraper_.Get(kText, kShort);
  scraper_.Get(kOpen, kShort);
  slow_->LetGo(1);
  slow_->AwaitHeld();
  slow_->LetGo(2);
  slow_->AwaitHeld();  // now call 3 is
  const Scraper::Scrape scrape = scraper_.Get(kOpen, kShort);
  EXPECT_EQ(scrape.format, kOpen);
  EXPECT_EQ(CallIn(scrape), 2);
}

TEST_F(ScraperTest, StopWaitsForNoCollectableAndLetsWaitersGo) {
  LateScrape(kText);
  std::thread waiter([this] {
    const Scraper::Scrape scrape = scraper_.Get(kText, absl::Hours(1));
    EXPECT_TRUE(scrape.stopped);
    EXPECT_EQ(scrape.text, nullptr);
  });
  scraper_.Stop();
  waiter.join();
  EXPECT_TRUE(scraper_.Get(kText, absl::Hours(1)).stopped);
  // The registry ends while its collectable is still being asked; what it then
  // delivers reaches nothing any more.
  registry_.reset();
  const std::weak_ptr<SlowCollectable> asked = slow_;
  slow_->Release();
  slow_ = std::make_shared<SlowCollectable>();
  while (!asked.expired()) std::this_thread::yield();
  scraper_.Stop();
}

TEST_F(ScraperTest, GivesEveryBufferBackAtTheEnd) {
  scraper_.Get(kText, kLong);
  scraper_.Get(kOpen, kLong);
  scraper_.Stop();
  EXPECT_TRUE(scraper_.Get(kText, kLong).stopped);
  // Both wait there: a new one holds nothing.
  const std::shared_ptr<TextWriter> one = writers_.Take();
  const std::shared_ptr<TextWriter> other = writers_.Take();
  EXPECT_GT(one->capacity_bytes(), 1000u);
  EXPECT_GT(other->capacity_bytes(), 1000u);
}

TEST(ScraperStartTest, ReportsThatThereIsNoThread) {
  MetricRegistry registry{MetricRegistryOptions{}};
  TextWriterPool writers;
  Scraper scraper(&registry, &writers);
  const ThreadShortage shortage;
  EXPECT_EQ(scraper.Start().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace poolscope

#include "poolscope/exporter/authenticator.h"

#include <time.h>

#include <atomic>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/tests/exporter/memory_shortage.h"
#include "poolscope/tests/exporter/sample_users.h"

namespace poolscope {
namespace {

using Outcome = Authenticator::Outcome;

class AuthenticatorTest : public testing::Test {
 protected:
  AuthenticatorTest() : authenticator_(*Authenticator::Create(SampleUsers())) {}

  Outcome Check(const std::string& name, const std::string& password) {
    return authenticator_->Check(BasicAuth(name, password)).outcome;
  }

  const std::unique_ptr<Authenticator> authenticator_;
};

TEST_F(AuthenticatorTest, GivesEachUserTheirRole) {
  for (const auto& [name, password, role] :
       {std::tuple("prometheus", "scrape-me", Role::kScrape),
        std::tuple("grace", "debug-me", Role::kDebug),
        std::tuple("alice", "act-me", Role::kAct)}) {
    const Authenticator::Verdict verdict =
        authenticator_->Check(BasicAuth(name, password));
    EXPECT_EQ(verdict.outcome, Outcome::kKnown) << name;
    EXPECT_EQ(verdict.role, role) << name;
  }
}

TEST_F(AuthenticatorTest, KnowsNobodyElse) {
  EXPECT_EQ(Check("alice", "scrape-me"), Outcome::kUnknown);
  EXPECT_EQ(Check("alice", ""), Outcome::kUnknown);
  EXPECT_EQ(Check("Alice", "act-me"), Outcome::kUnknown);
  EXPECT_EQ(Check("", "act-me"), Outcome::kUnknown);
  EXPECT_EQ(Check("mallory", "act-me"), Outcome::kUnknown);
  EXPECT_EQ(Check("alice", std::string("act-me\0", 7)), Outcome::kUnknown);
  EXPECT_EQ(Check("alice", std::string(73, 'x')), Outcome::kUnknown);
  const std::string right =
      absl::Base64Escape(absl::string_view("alice:act-me"));
  for (const std::string& header :
       {std::string(), std::string("Basic"), std::string("Basic "), right,
        absl::StrCat("Bearer ", right), absl::StrCat("Basic", right),
        absl::StrCat("Basic *", right), std::string("Basic YWxpY2U="),
        absl::StrCat("Basic ", right, std::string(600, ' '))}) {
    EXPECT_EQ(authenticator_->Check(header).outcome, Outcome::kUnknown)
        << header;
  }
  EXPECT_EQ(authenticator_->Check(absl::StrCat("bAsIc  ", right)).outcome,
            Outcome::kKnown);
}

TEST_F(AuthenticatorTest, ARightPasswordIsHashedOnce) {
  EXPECT_EQ(authenticator_->bcrypt_checks(), 0u);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(Check("alice", "act-me"), Outcome::kKnown);
  }
  EXPECT_EQ(authenticator_->bcrypt_checks(), 1u);
  EXPECT_EQ(Check("grace", "debug-me"), Outcome::kKnown);
  EXPECT_EQ(authenticator_->bcrypt_checks(), 2u);
}

TEST_F(AuthenticatorTest, WhatIsRememberedLetsNobodyElseIn) {
  EXPECT_EQ(Check("alice", "act-me"), Outcome::kKnown);
  EXPECT_EQ(Check("grace", "act-me"), Outcome::kUnknown);
  EXPECT_EQ(Check("alice", "act-mf"), Outcome::kUnknown);
  EXPECT_EQ(Check("alice:act", "me"), Outcome::kUnknown);
  EXPECT_EQ(Check("alice", "act-me"), Outcome::kKnown);
}

TEST_F(AuthenticatorTest, AWrongPasswordCostsAsMuchAsAnUnknownUser) {
  EXPECT_EQ(Check("alice", "wrong"), Outcome::kUnknown);
  EXPECT_EQ(authenticator_->bcrypt_checks(), 1u);
  EXPECT_EQ(Check("alice", "wrong"), Outcome::kUnknown);
  EXPECT_EQ(authenticator_->bcrypt_checks(), 2u);
  EXPECT_EQ(Check("mallory", "wrong"), Outcome::kUnknown);
  EXPECT_EQ(authenticator_->bcrypt_checks(), 3u);
}

// With a hash of no password, at a cost that takes some 50 ms.
std::vector<User> SampleUsersAndASlowOne() {
  std::vector<User> users = SampleUsers();
  users.push_back({"slow",
                   "$2y$10$abcdefghijklmnopqrstuu" + std::string(31, 'a'),
                   Role::kAct});
  return users;
}

TEST(AuthenticatorTimeTest, AnUnknownUserTakesAsLongAsTheCostliest) {
  const std::unique_ptr<Authenticator> authenticator =
      *Authenticator::Create(SampleUsersAndASlowOne());
  // Of the processor, whatever else it does.
  const auto seconds = [&](const char* name) {
    timespec before;
    timespec after;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    EXPECT_EQ(authenticator->Check(BasicAuth(name, "x")).outcome,
              Outcome::kUnknown);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    return static_cast<double>(after.tv_sec - before.tv_sec) +
           1e-9 * static_cast<double>(after.tv_nsec - before.tv_nsec);
  };
  const double known = seconds("slow");
  const double unknown = seconds("mallory");
  // The hashes of the others take a 64th.
  EXPECT_GT(unknown, known / 4);
  EXPECT_LT(unknown, known * 4);
}

// Guessers are turned away while others guess; who is remembered never is.
TEST(AuthenticatorCrowdTest, GuessersDoNotHoldUpWhoIsRemembered) {
  const std::unique_ptr<Authenticator> authenticator =
      *Authenticator::Create(SampleUsersAndASlowOne());
  ASSERT_EQ(authenticator->Check(BasicAuth("alice", "act-me")).outcome,
            Outcome::kKnown);
  std::atomic<int> busy = 0;
  std::atomic<int> ended = 0;
  constexpr int kGuessers = 8;
  std::vector<std::thread> guessers;
  for (int i = 0; i < kGuessers; ++i) {
    guessers.emplace_back([&, i] {
      // As often as would fill the place of each, if one that is turned away
      // kept its own.
      while (busy < Authenticator::kMaxUnderWay) {
        const Outcome outcome =
            authenticator->Check(BasicAuth("slow", absl::StrCat(i))).outcome;
        EXPECT_NE(outcome, Outcome::kKnown);
        if (outcome == Outcome::kBusy) ++busy;
      }
      ++ended;
    });
  }
  while (ended < kGuessers) {
    EXPECT_EQ(authenticator->Check(BasicAuth("alice", "act-me")).outcome,
              Outcome::kKnown);
  }
  for (std::thread& guesser : guessers) guesser.join();
  EXPECT_GT(busy, 0);
  // And then there is room again.
  EXPECT_EQ(authenticator->Check(BasicAuth("grace", "debug-me")).outcome,
            Outcome::kKnown);
}

TEST(AuthenticatorCrowdTest, ManyAtOnceWithTheRightPasswordHashItOnce) {
  const std::unique_ptr<Authenticator> authenticator =
      *Authenticator::Create(SampleUsers());
  std::vector<std::thread> clients;
  for (int i = 0; i < Authenticator::kMaxUnderWay; ++i) {
    clients.emplace_back([&] {
      EXPECT_EQ(authenticator->Check(BasicAuth("alice", "act-me")).outcome,
                Outcome::kKnown);
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(authenticator->bcrypt_checks(), 1u);
}

TEST(AuthenticatorOptionsTest, RefusesUsersThatCannotBe) {
  EXPECT_FALSE(Authenticator::Create({{"alice", "act-me", Role::kAct}}).ok());
}

TEST_F(AuthenticatorTest, ChecksThatRunOutOfMemoryAreNotUnderWayForEver) {
  const std::string header = BasicAuth("alice", "wrong");
  int failures = 0;
  for (int i = 0; i < 4 * Authenticator::kMaxUnderWay; ++i) {
    const MemoryShortage shortage(i / Authenticator::kMaxUnderWay);
    try {
      authenticator_->Check(header);
    } catch (const std::bad_alloc&) {
      ++failures;
    }
  }
  EXPECT_GE(failures, Authenticator::kMaxUnderWay);
  EXPECT_EQ(Check("alice", "wrong"), Outcome::kUnknown);
}

}  // namespace
}  // namespace poolscope

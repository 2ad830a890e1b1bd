#include "poolscope/exporter/users.h"

#include <fstream>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "poolscope/tests/exporter/sample_users.h"

namespace poolscope {
namespace {

constexpr char kHash[] =
    "$2y$04$abcdefghijklmnopqrstuuY9IzzDs2KOfMw3usTjoBXx1ZNABU.fW";

std::string Error(absl::string_view text) {
  const absl::StatusOr<std::vector<User>> users = ParseUsers(text);
  EXPECT_FALSE(users.ok());
  EXPECT_EQ(users.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(absl::StrContains(users.status().message(), "\n"));
  return std::string(users.status().message());
}

TEST(UsersTest, ReadsRolesWithTheirUsers) {
  const absl::StatusOr<std::vector<User>> users = ParseUsers(absl::StrCat(
      "# who may ask\n\nscrape:\n  prometheus: ", kHash, "\n    other: '",
      kHash, "'  # in quotes\r\n", "\"act\":\n  \"alice\": \"", kHash,
      "\"\ndebug: # nobody\n"));
  ASSERT_TRUE(users.ok()) << users.status();
  ASSERT_EQ(users->size(), 3u);
  const std::pair<const char*, Role> expected[] = {
      {"prometheus", Role::kScrape},
      {"other", Role::kScrape},
      {"alice", Role::kAct}};
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*users)[i].name, expected[i].first);
    EXPECT_EQ((*users)[i].role, expected[i].second);
    EXPECT_EQ((*users)[i].password_hash, kHash);
  }
}

TEST(UsersTest, NamesTheLineThatItDoesNotUnderstand) {
  const std::string user = absl::StrCat("  a: ", kHash, "\n");
  for (const auto& [text, words] : {
           std::pair<std::string, const char*>("", "no user"),
           {"scrape:\n", "no user"},
           {"scrape\n", "line 1: a ':' is missing"},
           {"root:\n" + user, "line 1: what is not indented is a role"},
           {"scrape: " + user, "line 1: what is not indented is a role"},
           {"\n" + user, "line 2: a user without a role"},
           {"scrape:\n" + user + "act:\n" + user,
            "line 4: user \"a\" is there "
            "twice"},
           {"scrape:\n  a b: x\n", "line 2: user \"a b\": a name has 1 to 64"},
           {absl::StrCat("scrape:\n  ", std::string(65, 'a'), ": x\n"),
            "a name has 1 to 64"},
           {"scrape:\n  : x\n", "line 2: user \"\": a name has"},
       }) {
    EXPECT_TRUE(absl::StrContains(Error(text), words)) << text << Error(text);
  }
}

TEST(UsersTest, AWordInPlaceOfAHashIsNotRepeated) {
  const std::string error = Error("act:\n  alice: hunter2\n");
  EXPECT_TRUE(absl::StrContains(error, "\"alice\"")) << error;
  EXPECT_TRUE(absl::StrContains(error, "htpasswd -nBC 10 alice")) << error;
  EXPECT_FALSE(absl::StrContains(error, "hunter2")) << error;
  EXPECT_FALSE(absl::StrContains(Error("hunter2\n"), "hunter2"));
  EXPECT_FALSE(absl::StrContains(Error("hunter2: x\n"), "hunter2"));
}

TEST(UsersTest, UsersGivenInCodeAreHeldToTheSameRules) {
  std::vector<User> users = SampleUsers();
  EXPECT_TRUE(ValidateUsers(users).ok());
  EXPECT_TRUE(ValidateUsers({}).ok());
  users[2].name = std::string(64, 'a');
  EXPECT_TRUE(ValidateUsers(users).ok());
  users[2].name = users[0].name;
  EXPECT_TRUE(absl::StrContains(ValidateUsers(users).message(),
                                "\"prometheus\" is there twice"));
  users[1].name = "a:b";
  EXPECT_TRUE(absl::StrContains(ValidateUsers(users).message(), "\"a:b\""));
  users[0].password_hash = "scrape-me";
  EXPECT_FALSE(absl::StrContains(ValidateUsers(users).message(), "scrape-me"));
}

TEST(UsersTest, ReadsAFileOrNamesIt) {
  const std::string path = testing::TempDir() + "/users";
  std::ofstream(path) << "act:\n  alice: " << kHash << "\n";
  const absl::StatusOr<std::vector<User>> users = ReadUsersFile(path);
  ASSERT_TRUE(users.ok()) << users.status();
  EXPECT_EQ(users->at(0).name, "alice");

  std::ofstream(path) << "act\n";
  absl::Status status = ReadUsersFile(path).status();
  EXPECT_TRUE(absl::StrContains(status.message(), path)) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "line 1")) << status;

  // Whoever stands behind what is read would be left out.
  const std::string valid = absl::StrCat("act:\n  alice: ", kHash, "\n#");
  const size_t rest = (size_t{1} << 20) - valid.size();
  std::ofstream(path) << valid << std::string(rest - 1, 'x');
  EXPECT_TRUE(ReadUsersFile(path).ok());
  std::ofstream(path) << valid << std::string(rest, 'x');
  EXPECT_TRUE(absl::StrContains(ReadUsersFile(path).status().message(), "MiB"));

  status = ReadUsersFile("/nowhere\n").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(),
            "users file \"/nowhere\\n\": No such file or directory; "
            "docs/security.md says what is in it");
}

}  // namespace
}  // namespace poolscope

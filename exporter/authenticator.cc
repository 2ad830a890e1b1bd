#include "poolscope/exporter/authenticator.h"

#include <sha256.h>
#include <string.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "poolscope/exporter/bcrypt.h"

namespace poolscope {
namespace {

// What a client gave; wiped when it goes.
struct Credentials {
  std::string decoded;
  std::string password;
  absl::string_view name;  // in `decoded`

  ~Credentials() {
    explicit_bzero(decoded.data(), decoded.size());
    explicit_bzero(password.data(), password.size());
  }
};

bool ReadBasic(absl::string_view authorization, Credentials* credentials) {
  constexpr absl::string_view kScheme = "Basic ";
  // The longest name and password take less.
  constexpr size_t kMaxBytes = 512;
  if (authorization.size() > kMaxBytes ||
      !absl::StartsWithIgnoreCase(authorization, kScheme)) {
    return false;
  }
  authorization.remove_prefix(kScheme.size());
  if (!absl::Base64Unescape(absl::StripAsciiWhitespace(authorization),
                            &credentials->decoded)) {
    return false;
  }
  const size_t colon = credentials->decoded.find(':');
  if (colon == std::string::npos) return false;
  credentials->name = absl::string_view(credentials->decoded).substr(0, colon);
  credentials->password = credentials->decoded.substr(colon + 1);
  return true;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Authenticator>> Authenticator::Create(
    std::vector<User> users) {
  const absl::Status valid = ValidateUsers(users);
  if (!valid.ok()) return valid;
  Digest key;
  if (getentropy(key.data(), key.size()) != 0) {
    return absl::UnavailableError(absl::StrCat(
        "the system gives no random bytes: ", std::strerror(errno),
        "; allow getrandom(2), which remembering passwords needs"));
  }
  return std::unique_ptr<Authenticator>(
      new Authenticator(std::move(users), key));
}

Authenticator::Authenticator(std::vector<User> users, const Digest& key)
    : users_(std::move(users)), key_(key), remembered_(users_.size()) {
  for (const User& user : users_) {
    if (BcryptCost(user.password_hash) > BcryptCost(costliest_hash_)) {
      costliest_hash_ = user.password_hash;
    }
  }
}

Authenticator::Verdict Authenticator::Check(absl::string_view authorization) {
  Verdict verdict;
  Credentials given;
  if (!ReadBasic(authorization, &given)) return verdict;
  std::optional<size_t> user;
  for (size_t i = 0; i < users_.size(); ++i) {
    if (given.name == users_[i].name) user = i;
  }
  const Digest digest = DigestOf(given.name, given.password);
  bool right = user.has_value() && IsRemembered(*user, digest);
  if (!right) {
    const absl::Cleanup leave = [this] {
      under_way_.fetch_sub(1, std::memory_order_relaxed);
    };
    if (under_way_.fetch_add(1, std::memory_order_relaxed) < kMaxUnderWay) {
      right = CheckWithBcrypt(user, given.password, digest);
    } else {
      verdict.outcome = Outcome::kBusy;
    }
  }
  if (right) verdict = {Outcome::kKnown, users_[*user].role};
  return verdict;
}

bool Authenticator::CheckWithBcrypt(std::optional<size_t> user,
                                    const std::string& password,
                                    const Digest& digest) {
  MutexLock lock(&bcrypt_mutex_);
  // Found right meanwhile, for another request.
  if (user.has_value() && IsRemembered(*user, digest)) return true;
  bcrypt_checks_.fetch_add(1, std::memory_order_relaxed);
  const bool right =
      BcryptMatches(password, user.has_value() ? users_[*user].password_hash
                                               : costliest_hash_);
  if (!right || !user.has_value()) return false;
  MutexLock remember(&remembered_mutex_);
  remembered_[*user] = digest;
  return true;
}

bool Authenticator::IsRemembered(size_t user, const Digest& digest) {
  const auto text = [](const Digest& bytes) {
    return absl::string_view(reinterpret_cast<const char*>(bytes.data()),
                             bytes.size());
  };
  MutexLock lock(&remembered_mutex_);
  const std::optional<Digest>& known = remembered_[user];
  return known.has_value() && EqualInConstantTime(text(*known), text(digest));
}

Authenticator::Digest Authenticator::DigestOf(
    absl::string_view name, absl::string_view password) const {
  SHA2_CTX context;
  SHA256Init(&context);
  SHA256Update(&context, key_.data(), key_.size());
  // A name has no ':': what follows the first one is the password.
  for (const absl::string_view part :
       {name, absl::string_view(":"), password}) {
    SHA256Update(&context, reinterpret_cast<const uint8_t*>(part.data()),
                 part.size());
  }
  Digest digest;
  SHA256Final(digest.data(), &context);
  explicit_bzero(&context, sizeof(context));
  return digest;
}

}  // namespace poolscope

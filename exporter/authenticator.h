// Authenticator: from the Authorization header of a request to a role.
//
//   "Basic cHJvbWV0aGV1czpzZWNyZXQ="  ->  prometheus, secret  ->  kScrape
//
// bcrypt is slow on purpose: at a cost of 10 a check takes some 50 ms, which
// would be spent at every scrape. So a password that was found right is
// remembered, one for each user: not the password, but SHA-256 of it and of a
// key drawn at random when the process starts. Later requests compare that
// digest, in about a microsecond.
//
//   - It lets nobody in whom bcrypt would not: another password has another
//     digest.
//   - What is stored outside of the process remains the bcrypt hash alone. Who
//     can read the memory of the process finds key and digest, and may guess at
//     SHA-256's speed; but he also finds the password itself, in the buffer of
//     a request.
//   - Digests are compared in constant time, and depend on a key that nobody
//     has: how long it takes tells nothing about them.
//
// A wrong password always costs a bcrypt, and so does a user who does not
// exist: the time does not tell which names there are, where all hashes have
// the same cost. One check runs at a time, so that guessing takes one core at
// most, and two more wait; further ones are told to come again, so that they do
// not hold the server's threads. Remembered passwords do not wait.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_AUTHENTICATOR_H_
#define POOLSCOPE_EXPORTER_AUTHENTICATOR_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/exporter/role.h"
#include "poolscope/exporter/users.h"

namespace poolscope {

class Authenticator {
 public:
  enum class Outcome {
    kKnown,
    kUnknown,  // no password, or a wrong one
    kBusy,     // not checked: too many others are
  };
  struct Verdict {
    Outcome outcome = Outcome::kUnknown;
    Role role = Role::kScrape;  // of who is known
  };

  // Checked at the same time, but for remembered ones: one runs, others wait.
  static constexpr int kMaxUnderWay = 3;

  // InvalidArgumentError as ValidateUsers() says; UnavailableError where the
  // system gives no random bytes.
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Authenticator>> Create(
      std::vector<User> users);

  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;

  // `authorization` is the header's value, empty where there is none.
  Verdict Check(absl::string_view authorization);

  // How often bcrypt was asked.
  uint64_t bcrypt_checks() const {
    return bcrypt_checks_.load(std::memory_order_relaxed);
  }

 private:
  using Digest = std::array<unsigned char, 32>;

  Authenticator(std::vector<User> users, const Digest& key);

  Digest DigestOf(absl::string_view name, absl::string_view password) const;
  bool IsRemembered(size_t user, const Digest& digest);
  // `user` is absent where there is none of that name.
  bool CheckWithBcrypt(std::optional<size_t> user, const std::string& password,
                       const Digest& digest);

  // Constant after construction.
  const std::vector<User> users_;
  std::string costliest_hash_;  // for users who do not exist
  const Digest key_;

  // Relaxed: a bound on how many there are, which orders nothing else.
  std::atomic<int> under_way_{0};
  std::atomic<uint64_t> bcrypt_checks_{0};  // relaxed: statistics

  // Held while bcrypt runs, which is what it is for.
  Mutex bcrypt_mutex_;

  Mutex remembered_mutex_;
  std::vector<std::optional<Digest>> remembered_
      ABSL_GUARDED_BY(remembered_mutex_);  // one for each user
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_AUTHENTICATOR_H_

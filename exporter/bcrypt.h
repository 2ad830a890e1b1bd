// Passwords against their bcrypt hashes, with the system's libcrypt.
//
//   $2y$10$LTXUqvKOwHoEPGTHHPFDNeT3q3VsBQ0HxBXSZ6L4LmXQ4SJXfB3Ui
//    |  |  salt, 22 characters   hash, 31
//    |  cost: 2^10 rounds, some 50 ms
//    variant: a, b or y
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_EXPORTER_BCRYPT_H_
#define POOLSCOPE_EXPORTER_BCRYPT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace poolscope {

// Longer passwords are not looked at: bcrypt would ignore what stands behind.
inline constexpr size_t kMaxPasswordBytes = 72;

// A cost above this takes seconds a try, which would hold a server's thread for
// longer than clients wait.
inline constexpr int kMaxBcryptCost = 15;

// The cost of `hash`, from 4 to kMaxBcryptCost, or 0 where it is no bcrypt hash
// of such a cost.
int BcryptCost(absl::string_view hash);

// Whether `hash`, which has a cost, is that of `password`. Takes the time that
// the cost asks for, whatever the answer, unless the password is too long or
// has a zero byte, which no hash can tell from a shorter one.
bool BcryptMatches(const std::string& password, const std::string& hash);

// In a time that depends on the lengths alone.
bool EqualInConstantTime(absl::string_view a, absl::string_view b);

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_BCRYPT_H_

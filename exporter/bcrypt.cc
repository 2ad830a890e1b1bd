#include "poolscope/exporter/bcrypt.h"

#include <crypt.h>
#include <string.h>

#include <algorithm>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace poolscope {

int BcryptCost(absl::string_view hash) {
  constexpr absl::string_view kVariants = "aby";
  constexpr size_t kBytes = 60;
  if (hash.size() != kBytes || !absl::StartsWith(hash, "$2") ||
      kVariants.find(hash[2]) == absl::string_view::npos || hash[3] != '$' ||
      hash[6] != '$' || !absl::ascii_isdigit(hash[4]) ||
      !absl::ascii_isdigit(hash[5])) {
    return 0;
  }
  const absl::string_view rest = hash.substr(7);
  const bool base64 = std::all_of(rest.begin(), rest.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '/';
  });
  const int cost = (hash[4] - '0') * 10 + (hash[5] - '0');
  return base64 && cost >= 4 && cost <= kMaxBcryptCost ? cost : 0;
}

bool BcryptMatches(const std::string& password, const std::string& hash) {
  if (password.size() > kMaxPasswordBytes ||
      password.find('\0') != std::string::npos) {
    return false;
  }
  // 32 KiB: not for a thread's stack.
  const auto scratch = std::make_unique<crypt_data>();
  const char* const computed =
      crypt_r(password.c_str(), hash.c_str(), scratch.get());
  const bool equal = computed != nullptr && EqualInConstantTime(computed, hash);
  explicit_bzero(scratch.get(), sizeof(crypt_data));
  return equal;
}

bool EqualInConstantTime(absl::string_view a, absl::string_view b) {
  if (a.size() != b.size()) return false;
  // Volatile: the compiler must not see when the outcome is settled.
  volatile unsigned char difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = difference | (static_cast<unsigned char>(a[i]) ^
                               static_cast<unsigned char>(b[i]));
  }
  return difference == 0;
}

}  // namespace poolscope

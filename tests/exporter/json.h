// A reader of JSON, strict, for tests.
#ifndef POOLSCOPE_TESTS_EXPORTER_JSON_H_
#define POOLSCOPE_TESTS_EXPORTER_JSON_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope {

struct Json {
  enum class Type { kNull, kBool, kNumber, kString, kArray, kObject };

  Type type = Type::kNull;
  std::string text;  // of a string, or a number or bool as written
  std::vector<Json> elements;
  std::map<std::string, Json> members;

  // The member of that name; a null where there is none.
  const Json& operator[](const std::string& name) const;
  // A number without fraction, to the last digit; UINT64_MAX for anything else.
  uint64_t Integer() const;
  // Sum of `name` over the elements of an array.
  uint64_t Sum(const std::string& name) const;
};

// InvalidArgumentError with the offset for what RFC 8259 does not allow, and
// for a name twice in an object.
absl::StatusOr<Json> ParseJson(absl::string_view text);

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_EXPORTER_JSON_H_

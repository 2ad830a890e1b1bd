#include "poolscope/tests/exporter/json.h"

#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace poolscope {
namespace {

class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text), rest_(text) {}

  absl::StatusOr<Json> Parse() {
    Json json;
    if (!Value(json)) return Error();
    SkipSpace();
    if (!rest_.empty()) return Error();
    return json;
  }

 private:
  absl::Status Error() const {
    return absl::InvalidArgumentError(
        absl::StrCat("not JSON at byte ", text_.size() - rest_.size()));
  }

  void SkipSpace() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n' ||
                              rest_[0] == '\t' || rest_[0] == '\r')) {
      rest_.remove_prefix(1);
    }
  }

  bool Take(absl::string_view token) {
    SkipSpace();
    return absl::ConsumePrefix(&rest_, token);
  }

  bool Value(Json& json) {
    if (Take("{")) return Object(json);
    if (Take("[")) return Array(json);
    if (Take("\"")) {
      json.type = Json::Type::kString;
      return String(json.text);
    }
    for (const char* word : {"true", "false"}) {
      if (Take(word)) {
        json.type = Json::Type::kBool;
        json.text = word;
        return true;
      }
    }
    if (Take("null")) return true;
    return Number(json);
  }

  bool Object(Json& json) {
    json.type = Json::Type::kObject;
    if (Take("}")) return true;
    do {
      std::string name;
      Json member;
      if (!Take("\"") || !String(name) || !Take(":") || !Value(member)) {
        return false;
      }
      if (!json.members.emplace(name, std::move(member)).second) return false;
    } while (Take(","));
    return Take("}");
  }

  bool Array(Json& json) {
    json.type = Json::Type::kArray;
    if (Take("]")) return true;
    do {
      json.elements.emplace_back();
      if (!Value(json.elements.back())) return false;
    } while (Take(","));
    return Take("]");
  }

  // After the opening quote. Escapes are checked, and kept as written.
  bool String(std::string& text) {
    while (!rest_.empty() && rest_[0] != '"') {
      if (static_cast<unsigned char>(rest_[0]) < 0x20) return false;
      size_t length = 1;
      if (rest_[0] == '\\') {
        if (rest_.size() < 2) return false;
        length = rest_[1] == 'u' ? 6 : 2;
        if (rest_.size() < length) return false;
        if (absl::string_view("\"\\/bfnrtu").find(rest_[1]) ==
            absl::string_view::npos) {
          return false;
        }
        for (size_t i = 2; i < length; ++i) {
          if (!absl::ascii_isxdigit(rest_[i])) return false;
        }
      }
      text.append(rest_.data(), length);
      rest_.remove_prefix(length);
    }
    return absl::ConsumePrefix(&rest_, "\"");
  }

  bool Digits(std::string& text) {
    bool any = false;
    while (!rest_.empty() && absl::ascii_isdigit(rest_[0])) {
      text.push_back(rest_[0]);
      rest_.remove_prefix(1);
      any = true;
    }
    return any;
  }

  bool Number(Json& json) {
    json.type = Json::Type::kNumber;
    std::string& text = json.text;
    if (absl::ConsumePrefix(&rest_, "-")) text.push_back('-');
    if (absl::ConsumePrefix(&rest_, "0")) {
      text.push_back('0');
    } else if (!Digits(text)) {
      return false;
    }
    if (absl::ConsumePrefix(&rest_, ".")) {
      text.push_back('.');
      if (!Digits(text)) return false;
    }
    if (absl::ConsumePrefix(&rest_, "e") || absl::ConsumePrefix(&rest_, "E")) {
      text.push_back('e');
      if (absl::ConsumePrefix(&rest_, "-")) {
        text.push_back('-');
      } else if (absl::ConsumePrefix(&rest_, "+")) {
        text.push_back('+');
      }
      if (!Digits(text)) return false;
    }
    return true;
  }

  const absl::string_view text_;
  absl::string_view rest_;
};

}  // namespace

const Json& Json::operator[](const std::string& name) const {
  static const Json* const missing = new Json;
  const auto found = members.find(name);
  return found == members.end() ? *missing : found->second;
}

uint64_t Json::Integer() const {
  uint64_t value = 0;
  if (type == Type::kNumber && absl::SimpleAtoi(text, &value)) return value;
  return std::numeric_limits<uint64_t>::max();
}

uint64_t Json::Sum(const std::string& name) const {
  uint64_t sum = 0;
  for (const Json& element : elements) sum += element[name].Integer();
  return sum;
}

absl::StatusOr<Json> ParseJson(absl::string_view text) {
  return Parser(text).Parse();
}

}  // namespace poolscope

#include "poolscope/exporter/query.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace poolscope {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = absl::ascii_tolower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

absl::StatusOr<std::string> Decode(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      decoded.push_back(' ');
    } else if (text[i] != '%') {
      decoded.push_back(text[i]);
    } else {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
      if (low < 0) {
        return absl::InvalidArgumentError(
            "the query has a '%' that two hexadecimal digits do not follow");
      }
      decoded.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return decoded;
}

}  // namespace

absl::StatusOr<QueryParameters> ParseQuery(absl::string_view query) {
  QueryParameters parameters;
  for (absl::string_view part : absl::StrSplit(query, '&', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    absl::StatusOr<std::string> name = Decode(halves.first);
    if (!name.ok()) return name.status();
    absl::StatusOr<std::string> value = Decode(halves.second);
    if (!value.ok()) return value.status();
    for (const auto& other : parameters) {
      if (other.first == *name) {
        return absl::InvalidArgumentError(
            absl::StrCat("the query has \"", halves.first, "\" twice"));
      }
    }
    parameters.emplace_back(*std::move(name), *std::move(value));
  }
  return parameters;
}

double AcceptQuality(absl::string_view accept, absl::string_view media_type) {
  double best = 0;
  for (absl::string_view range : absl::StrSplit(accept, ',')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(range, ';');
    if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(parts[0]),
                                media_type)) {
      continue;
    }
    double quality = 1;
    for (size_t i = 1; i < parts.size(); ++i) {
      absl::string_view parameter = absl::StripAsciiWhitespace(parts[i]);
      if (!absl::ConsumePrefix(&parameter, "q=") &&
          !absl::ConsumePrefix(&parameter, "Q=")) {
        continue;
      }
      // The negated comparison refuses NaN too.
      if (!absl::SimpleAtod(parameter, &quality) ||
          !(quality >= 0 && quality <= 1)) {
        quality = 0;
      }
    }
    if (quality > best) best = quality;
  }
  return best;
}

}  // namespace poolscope

#include "poolscope/exporter/query.h"

#include <algorithm>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
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

// The weight that a list such as "a;q=0.5, b" gives `name`, the best where it
// is there twice; none where it is not there.
std::optional<double> Weight(absl::string_view list, absl::string_view name) {
  std::optional<double> best;
  for (absl::string_view element : absl::StrSplit(list, ',')) {
    const absl::string_view named = element.substr(0, element.find(';'));
    if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(named), name)) {
      continue;
    }
    best = std::max(best.value_or(0), QualityOf(element));
  }
  return best;
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
        return absl::InvalidArgumentError(absl::StrCat(
            "the query has \"", absl::CHexEscape(halves.first), "\" twice"));
      }
    }
    parameters.emplace_back(*std::move(name), *std::move(value));
  }
  return parameters;
}

double QualityOf(absl::string_view element) {
  const std::vector<absl::string_view> parts = absl::StrSplit(element, ';');
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
  return quality;
}

double AcceptQuality(absl::string_view accept, absl::string_view media_type) {
  return Weight(accept, media_type).value_or(0);
}

EncodingChoice ChooseEncoding(absl::string_view accept_encoding) {
  const std::optional<double> any = Weight(accept_encoding, "*");
  std::optional<double> gzip = Weight(accept_encoding, "gzip");
  if (!gzip.has_value()) gzip = Weight(accept_encoding, "x-gzip");
  if (!gzip.has_value()) gzip = any;
  std::optional<double> identity = Weight(accept_encoding, "identity");
  // Plain is taken unless it is refused: `*` alone says no more about it.
  if (!identity.has_value() && any == 0.0) identity = 0;

  EncodingChoice choice;
  choice.identity = identity != 0.0;
  choice.gzip = gzip.value_or(0) > 0 && *gzip >= identity.value_or(0);
  return choice;
}

}  // namespace poolscope

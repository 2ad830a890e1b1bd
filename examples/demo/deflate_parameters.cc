#include "poolscope/examples/demo/deflate_parameters.h"

#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace poolscope::demo {
namespace {

constexpr absl::string_view kName = "permessage-deflate";

// Pieces of `text` between `separator`s, without the spaces around them. No
// parameter of ours has a separator within quotes; one that does is unknown in
// either half.
std::vector<absl::string_view> Pieces(absl::string_view text, char separator) {
  std::vector<absl::string_view> pieces = absl::StrSplit(text, separator);
  for (absl::string_view& piece : pieces) {
    piece = absl::StripAsciiWhitespace(piece);
  }
  return pieces;
}

// The value of server_max_window_bits or client_max_window_bits: 8 to 15, in
// decimal without a leading zero, perhaps in quotes; 0 for anything else.
int WindowBits(absl::string_view value) {
  if (absl::ConsumePrefix(&value, "\"") && !absl::ConsumeSuffix(&value, "\"")) {
    return 0;
  }
  int bits = 0;
  for (int candidate = 8; candidate <= DeflateParameters::kMaxWindowBits;
       ++candidate) {
    if (value == absl::StrCat(candidate)) bits = candidate;
  }
  return bits;
}

enum class Side { kOffer, kAnswer };

// One "permessage-deflate; parameter; ..." of either side.
std::optional<DeflateParameters> ParseOne(absl::string_view text, Side side) {
  const std::vector<absl::string_view> parts = Pieces(text, ';');
  if (parts[0] != kName) return std::nullopt;
  DeflateParameters parameters;
  bool has_client_bits = false;
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::vector<absl::string_view> pair =
        absl::StrSplit(parts[i], absl::MaxSplits('=', 1));
    const absl::string_view name = absl::StripAsciiWhitespace(pair[0]);
    const bool has_value = pair.size() == 2;
    const int bits =
        has_value ? WindowBits(absl::StripAsciiWhitespace(pair[1])) : 0;
    bool has_server_bits = parameters.server_max_window_bits.has_value();
    bool* flag = nullptr;
    if (name == "server_no_context_takeover" && !has_value) {
      flag = &parameters.server_no_context_takeover;
    } else if (name == "client_no_context_takeover" && !has_value) {
      flag = &parameters.client_no_context_takeover;
    } else if (name == "server_max_window_bits" &&
               bits >= DeflateParameters::kMinWindowBits) {
      parameters.server_max_window_bits = bits;
      flag = &has_server_bits;
    } else if (name == "client_max_window_bits" && side == Side::kOffer &&
               (!has_value || bits != 0)) {
      // A hint that the server may limit the client's window, which it does
      // not: it can read any.
      flag = &has_client_bits;
    }
    // Unknown, of a wrong value, or there twice.
    if (flag == nullptr || *flag) return std::nullopt;
    *flag = true;
  }
  return parameters;
}

}  // namespace

std::optional<DeflateParameters> AcceptDeflateOffer(absl::string_view value) {
  for (const absl::string_view offer : Pieces(value, ',')) {
    std::optional<DeflateParameters> parameters = ParseOne(offer, Side::kOffer);
    if (parameters.has_value()) return parameters;
  }
  return std::nullopt;
}

std::string DeflateAnswer(const DeflateParameters& parameters) {
  std::string answer(kName);
  if (parameters.server_no_context_takeover) {
    absl::StrAppend(&answer, "; server_no_context_takeover");
  }
  if (parameters.client_no_context_takeover) {
    absl::StrAppend(&answer, "; client_no_context_takeover");
  }
  if (parameters.server_max_window_bits.has_value()) {
    absl::StrAppend(&answer, "; server_max_window_bits=",
                    *parameters.server_max_window_bits);
  }
  return answer;
}

absl::StatusOr<DeflateParameters> ParseDeflateAnswer(absl::string_view value) {
  std::optional<DeflateParameters> parameters =
      ParseOne(absl::StripAsciiWhitespace(value), Side::kAnswer);
  if (!parameters.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the server agrees to what was not offered: '",
                     absl::CHexEscape(value), "'"));
  }
  return *parameters;
}

}  // namespace poolscope::demo

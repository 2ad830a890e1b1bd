// DeflateParameters: what the two ends of a WebSocket connection agreed on for
// permessage-deflate (RFC 7692, section 7.1).
//
//   client:  Sec-WebSocket-Extensions: permessage-deflate; OFFER, ...
//   server:  AcceptDeflateOffer(value)  ->  parameters, or nothing
//   server:  Sec-WebSocket-Extensions: DeflateAnswer(parameters)
//   client:  ParseDeflateAnswer(value)  ->  the same parameters, or an error
//
// An offer that is malformed, names a parameter that nobody knows, or asks for
// a window that zlib cannot keep (256 bytes), is passed over, as the RFC wants
// it; the next one of the list has its turn.
//
// Pure functions and a plain value.
#ifndef POOLSCOPE_EXAMPLES_DEMO_DEFLATE_PARAMETERS_H_
#define POOLSCOPE_EXAMPLES_DEMO_DEFLATE_PARAMETERS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope::demo {

struct DeflateParameters {
  static constexpr int kMinWindowBits = 9;  // what zlib has for raw deflate
  static constexpr int kMaxWindowBits = 15;

  // Each message is compressed for itself; else the window of the messages
  // before stays, and so does the state that holds it.
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  // Of the server's compressor; unset where the client did not ask for it. The
  // client's is never limited.
  std::optional<int> server_max_window_bits;

  int server_window_bits() const {
    return server_max_window_bits.value_or(kMaxWindowBits);
  }
};

// What our client offers.
inline constexpr absl::string_view kDeflateOffer = "permessage-deflate";

// The first offer in a header's value that can be taken; nothing when there is
// none.
std::optional<DeflateParameters> AcceptDeflateOffer(absl::string_view value);

// The header's value that tells the client.
std::string DeflateAnswer(const DeflateParameters& parameters);

// The answer to kDeflateOffer. InvalidArgumentError when it agrees to anything
// that was not offered.
absl::StatusOr<DeflateParameters> ParseDeflateAnswer(absl::string_view value);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_DEFLATE_PARAMETERS_H_

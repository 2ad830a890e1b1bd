// ByteSize: a number of bytes as a person types and reads it.
//
// "14336", "14k", "14KiB" and "14kb" are the same size: every suffix is a
// power of 1024, upper or lower case, with or without "b" or "ib".
//
//   absl::StatusOr<ByteSize> size = ParseByteSize("256m");
//   FormatByteSize(size->bytes);  // "256.0 MiB"
//
// Also the type of the flags that take a size. A plain value.
#ifndef POOLSCOPE_EXAMPLES_DEMO_BYTE_SIZE_H_
#define POOLSCOPE_EXAMPLES_DEMO_BYTE_SIZE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace poolscope::demo {

struct ByteSize {
  uint64_t bytes = 0;
};

// InvalidArgumentError names the text and the accepted forms. At most 2^60.
absl::StatusOr<ByteSize> ParseByteSize(absl::string_view text);

// At most nine characters: "560.0 KiB", "0 B".
std::string FormatByteSize(uint64_t bytes);

// Found by the flags library.
bool AbslParseFlag(absl::string_view text, ByteSize* size, std::string* error);
std::string AbslUnparseFlag(ByteSize size);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_BYTE_SIZE_H_

// Payloads that can be checked: byte `i` of a payload follows from its seed.
//
// Nobody keeps a payload in order to compare it: who sends renders any part of
// it when the socket takes it, who receives checks each part as it comes. Any
// byte lost, doubled, swapped or taken from another message shows.
//
// Pure functions; thread-safe.
#ifndef POOLSCOPE_EXAMPLES_DEMO_PATTERN_H_
#define POOLSCOPE_EXAMPLES_DEMO_PATTERN_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace poolscope::demo {

// Writes the bytes [offset, offset + out.size()) of the payload of `seed`.
void FillPattern(uint64_t seed, size_t offset, absl::Span<char> out);

// Whether `part` is what stands at `offset` in the payload of `seed`.
[[nodiscard]] bool MatchesPattern(uint64_t seed, size_t offset,
                                  absl::string_view part);

// The seed of the answer's payload: another than the request's, so that a
// request sent back as it came is noticed.
uint64_t AnswerSeed(uint64_t request_seed);

}  // namespace poolscope::demo

#endif  // POOLSCOPE_EXAMPLES_DEMO_PATTERN_H_

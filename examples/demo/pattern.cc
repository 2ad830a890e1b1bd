#include "poolscope/examples/demo/pattern.h"

#include <algorithm>
#include <cstring>

namespace poolscope::demo {
namespace {

constexpr size_t kWordBytes = sizeof(uint64_t);
constexpr uint64_t kAnswerFlip = 0x5a5a5a5a5a5a5a5a;

// Word `index` of the payload: one step of a mixing function, so that words
// differ within a payload and between payloads.
uint64_t PatternWord(uint64_t seed, uint64_t index) {
  uint64_t x = (seed ^ (index * 0x9e3779b97f4a7c15)) * 0xd6e8feb86659fd93;
  return x ^ (x >> 32);
}

// Calls visit(bytes of one word, offset in `part`, count) over a part that may
// begin and end inside a word; stops when it returns false.
template <typename Visitor>
bool ForEachWord(uint64_t seed, size_t offset, size_t size, Visitor visit) {
  size_t done = 0;
  while (done < size) {
    const uint64_t word = PatternWord(seed, (offset + done) / kWordBytes);
    const size_t skip = (offset + done) % kWordBytes;
    const size_t count = std::min(kWordBytes - skip, size - done);
    char bytes[kWordBytes];
    std::memcpy(bytes, &word, kWordBytes);
    if (!visit(bytes + skip, done, count)) return false;
    done += count;
  }
  return true;
}

}  // namespace

void FillPattern(uint64_t seed, size_t offset, absl::Span<char> out) {
  ForEachWord(seed, offset, out.size(),
              [&](const char* bytes, size_t at, size_t count) {
                if (count == kWordBytes) {
                  std::memcpy(out.data() + at, bytes, kWordBytes);
                } else {
                  std::memcpy(out.data() + at, bytes, count);
                }
                return true;
              });
}

bool MatchesPattern(uint64_t seed, size_t offset, absl::string_view part) {
  return ForEachWord(seed, offset, part.size(),
                     [&](const char* bytes, size_t at, size_t count) {
                       if (count == kWordBytes) {
                         return std::memcmp(part.data() + at, bytes,
                                            kWordBytes) == 0;
                       }
                       return std::memcmp(part.data() + at, bytes, count) == 0;
                     });
}

uint64_t AnswerSeed(uint64_t request_seed) {
  return request_seed ^ kAnswerFlip;
}

}  // namespace poolscope::demo

// FuzzInput: the bytes of a fuzz target's input as the numbers and texts that
// it asks for. When they have ended, every number is 0 and every text empty.
//
//   FuzzInput input(data, size);
//   while (!input.ended()) Play(input.Byte(), input.Text());
//
// Thread-compatible. The bytes must outlive it.
#ifndef POOLSCOPE_TESTS_FUZZ_FUZZ_INPUT_H_
#define POOLSCOPE_TESTS_FUZZ_FUZZ_INPUT_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace poolscope {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  bool ended() const { return rest_.empty(); }
  uint8_t Byte();
  uint64_t Number();  // of eight bytes
  double Real();      // any there is: NaN, infinite and subnormal ones too
  // Up to the next byte 0, or the end. Any other byte may be in it.
  absl::string_view Text();
  // All that is left.
  absl::string_view Rest();

 private:
  absl::string_view rest_;
};

// Ends the program, saying what does not hold.
void FuzzCheck(bool holds, const char* what);

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_FUZZ_FUZZ_INPUT_H_

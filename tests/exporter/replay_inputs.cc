// Plays inputs of a fuzz target, the files named, without libFuzzer: in
// `./dev test`, with the compiler and the sanitizers of the tests.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int count, char** arguments) {
  for (int i = 1; i < count; ++i) {
    std::ifstream file(arguments[i], std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    const std::string input = text.str();
    if (!file || input.empty()) {
      std::fprintf(stderr, "%s: cannot be read\n", arguments[i]);
      return 1;
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()),
                           input.size());
  }
  // Without any file nothing was tried.
  return count > 1 ? 0 : 1;
}

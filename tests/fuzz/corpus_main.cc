// The corpus of a fuzz target, each input played once: what `./dev fuzz` has
// found or what was written for it, as an ordinary test. Linked with the target
// by poolscope_fuzz_target(), which gives the folder of the corpus as the one
// argument.
//
// A fault ends the program, as under libFuzzer; the last file named is the one.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

// A corpus above either is to be minimised: CONTRIBUTING.md says how.
constexpr size_t kMaxInputs = 100;
constexpr size_t kMaxBytes = 100 << 10;

const char* folder = nullptr;

std::vector<std::string> Inputs() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST(CorpusTest, EveryInputHoldsAndTheyAreFew) {
  const std::vector<std::string> paths = Inputs();
  EXPECT_FALSE(paths.empty());
  EXPECT_LE(paths.size(), kMaxInputs);
  size_t bytes = 0;
  for (const std::string& path : paths) {
    std::fprintf(stderr, "%s\n", path.c_str());
    std::ifstream file(path, std::ios::binary);
    const std::string input(std::istreambuf_iterator<char>(file), {});
    bytes += input.size();
    EXPECT_EQ(LLVMFuzzerTestOneInput(
                  reinterpret_cast<const uint8_t*>(input.data()), input.size()),
              0);
  }
  EXPECT_LE(bytes, kMaxBytes);
}

// The shortest input there is belongs to no corpus, and libFuzzer begins so.
TEST(CorpusTest, NoInputHolds) {
  EXPECT_EQ(LLVMFuzzerTestOneInput(nullptr, 0), 0);
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fprintf(stderr, "give the folder of the corpus\n");
    return 2;
  }
  folder = argv[1];
  return RUN_ALL_TESTS();
}

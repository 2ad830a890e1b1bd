// Files for tests of the black box: a new path each, and what is in them.
#ifndef POOLSCOPE_TESTS_EXPORTER_BLACKBOX_TEST_FILE_H_
#define POOLSCOPE_TESTS_EXPORTER_BLACKBOX_TEST_FILE_H_

#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace poolscope {

// A folder of its own, which goes with its files.
class TestFolder {
 public:
  TestFolder() : path_(testing::TempDir() + "/blackbox-XXXXXX") {
    if (mkdtemp(&path_[0]) == nullptr) abort();
  }
  ~TestFolder() {
    for (const char* name : {"box", "box.previous"}) {
      unlink((path_ + "/" + name).c_str());
    }
    rmdir(path_.c_str());
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string box() const { return path_ + "/box"; }
  std::string previous() const { return path_ + "/box.previous"; }

 private:
  std::string path_;
};

inline std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline void WriteAll(const std::string& path, absl::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_EXPORTER_BLACKBOX_TEST_FILE_H_

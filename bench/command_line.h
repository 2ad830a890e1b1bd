// CommandLine: the flags of a command, "--name=value" or "--name value".
//
//   CommandLine line;
//   line.AddSwitch("quick", &quick);
//   line.AddText("csv", &path);
//   line.AddNumber("rounds", 1, 10000, &rounds);
//   absl::Status status = line.Parse(argc, argv);
//
// A name may be cut short where no other begins alike, so -h is --help. What a
// flag writes to must outlive the CommandLine.
//
// Thread safety: thread-compatible; Parse() in one thread of the process.
#ifndef POOLSCOPE_BENCH_COMMAND_LINE_H_
#define POOLSCOPE_BENCH_COMMAND_LINE_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace poolscope {

class CommandLine {
 public:
  // A flag without a value, which sets *on.
  void AddSwitch(std::string name, bool* on);
  // Any text.
  void AddText(std::string name, std::string* text);
  // A whole number from `least` to `most`.
  template <typename T>
  void AddNumber(std::string name, T least, T most, T* number) {
    Add(std::move(name), absl::StrCat(least, " to ", most),
        [=](absl::string_view value) {
          T given;
          if (!absl::SimpleAtoi(value, &given)) return false;
          if (given < least || given > most) return false;
          *number = given;
          return true;
        });
  }
  // What `take` accepts, by returning true. `give` tells what that is.
  void Add(std::string name, std::string give,
           std::function<bool(absl::string_view)> take);
  // An argument that is no flag may be given, once.
  void AddArgument(std::string* text) { argument_ = text; }

  // InvalidArgumentError, in one line, names the first bad argument and the
  // remedy; the flags before it have been written. Moves arguments that are no
  // flags to the end of argv.
  absl::Status Parse(int argc, char** argv) const;

 private:
  struct Flag {
    std::string name;
    bool has_value;
    std::string give;
    std::function<bool(absl::string_view)> take;
  };

  std::vector<Flag> flags_;
  std::string* argument_ = nullptr;
};

}  // namespace poolscope

#endif  // POOLSCOPE_BENCH_COMMAND_LINE_H_

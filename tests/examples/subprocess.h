// Subprocess: a program under test, with what it prints.
//
// Whatever happens, the process is ended and waited for when the object goes.
// Thread-compatible.
#ifndef POOLSCOPE_TESTS_EXAMPLES_SUBPROCESS_H_
#define POOLSCOPE_TESTS_EXAMPLES_SUBPROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace poolscope {

class Subprocess {
 public:
  // Standard output is read by ReadLine(); standard error is kept for
  // errors(). Finds `arguments[0]` through PATH unless it has a slash.
  explicit Subprocess(const std::vector<std::string>& arguments);
  ~Subprocess();
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;

  // Writes all of `input` to standard input, and closes it.
  void Write(const std::string& input);

  // The next line of standard output, without its end; nothing once it is
  // closed, or after a minute without one.
  std::optional<std::string> ReadLine();

  void Signal(int signal);
  pid_t pid() const { return pid_; }

  // Reads the rest of the output, waits for the end, and returns the exit
  // status, or 128 + the signal that ended the process.
  int Wait();

  // What Wait() read, and standard error. After Wait().
  const std::string& output() const { return output_; }
  const std::string& errors() const { return errors_; }

 private:
  void ReadErrors();

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;  // an unlinked file
  std::string unread_;
  std::string output_;
  std::string errors_;
  std::optional<int> exit_status_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_EXAMPLES_SUBPROCESS_H_

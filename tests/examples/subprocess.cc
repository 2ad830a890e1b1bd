#include "poolscope/tests/examples/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace poolscope {
namespace {

constexpr int kPatienceMillis = 60000;

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

}  // namespace

Subprocess::Subprocess(const std::vector<std::string>& arguments) {
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) Die("pipe2");
  std::FILE* const errors = std::tmpfile();
  if (errors == nullptr) Die("tmpfile");
  err_ = fcntl(fileno(errors), F_DUPFD_CLOEXEC, 3);
  std::fclose(errors);

  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);

  pid_ = fork();
  if (pid_ < 0) Die("fork");
  if (pid_ == 0) {
    // Not even a test that is killed leaves it running.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(err_, STDERR_FILENO);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  in_ = in[1];
  out_ = out[0];
}

Subprocess::~Subprocess() {
  if (!exit_status_.has_value()) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    ReadErrors();
    std::fprintf(stderr, "%s", errors_.c_str());
  }
  if (in_ >= 0) close(in_);
  close(out_);
  close(err_);
}

void Subprocess::Write(const std::string& input) {
  size_t written = 0;
  while (written < input.size()) {
    const ssize_t n =
        write(in_, input.data() + written, input.size() - written);
    if (n <= 0) Die("write to the process");
    written += static_cast<size_t>(n);
  }
  close(in_);
  in_ = -1;
}

std::optional<std::string> Subprocess::ReadLine() {
  while (true) {
    const size_t end = unread_.find('\n');
    if (end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    pollfd poll_fd{out_, POLLIN, 0};
    if (poll(&poll_fd, 1, kPatienceMillis) != 1) return std::nullopt;
    char bytes[4096];
    const ssize_t n = read(out_, bytes, sizeof(bytes));
    if (n <= 0) return std::nullopt;
    unread_.append(bytes, static_cast<size_t>(n));
  }
}

void Subprocess::Signal(int signal) { kill(pid_, signal); }

int Subprocess::Wait() {
  while (std::optional<std::string> line = ReadLine()) {
    output_ += *line + "\n";
  }
  output_ += unread_;
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) Die("waitpid");
  exit_status_ =
      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ReadErrors();
  return *exit_status_;
}

void Subprocess::ReadErrors() {
  char bytes[4096];
  off_t at = 0;
  while (true) {
    const ssize_t n = pread(err_, bytes, sizeof(bytes), at);
    if (n <= 0) return;
    errors_.append(bytes, static_cast<size_t>(n));
    at += n;
  }
}

}  // namespace poolscope

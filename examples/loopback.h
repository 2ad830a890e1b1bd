// What the examples need of the system, beside what they show.
//
// Thread safety: thread-compatible, but for StopSignal, which is thread-safe.
// What the system refuses at the start ends the program with a line that says
// so.
#ifndef POOLSCOPE_EXAMPLES_LOOPBACK_H_
#define POOLSCOPE_EXAMPLES_LOOPBACK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace poolscope::examples {

// SIGINT and SIGTERM as something to wait for. Made before any thread is
// started, so that all of them have the signals blocked.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // Waits for a signal.
  void Await() const;
  // Whether one comes within this time.
  bool Within(int millis) const;
  // Waits until `fd` can be read or is at its end; false when a signal comes.
  bool AwaitInput(int fd) const;

  int fd() const { return fd_; }  // can be read from the first signal on

 private:
  const int fd_;
};

// A socket that listens on a free port of 127.0.0.1. Does not block.
class Listener {
 public:
  Listener();
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The next connection; -1 when there is none, or no descriptor for it.
  int Accept() const;

  int fd() const { return fd_; }
  const std::string& address() const { return address_; }  // "127.0.0.1:4711"

 private:
  const int fd_;
  std::string address_;
};

// The epoll of a server with one thread: takes its connections.
class EpollLoop {
 public:
  EpollLoop();
  ~EpollLoop();
  EpollLoop(const EpollLoop&) = delete;
  EpollLoop& operator=(const EpollLoop&) = delete;

  // Waits for a connection that is ready, a new one for EPOLLIN; -1 at SIGINT
  // or SIGTERM.
  int Wait();
  // What to wait for on it from now on.
  void Await(int connection, uint32_t events);

  const std::string& address() const { return listener_.address(); }

 private:
  bool Watch(int operation, int fd, uint32_t events);

  const StopSignal stop_;
  const Listener listener_;
  const int epoll_;
};

// Threads that each serve a connection at a time.
class ThreadedServer {
 public:
  // `call` serves a call of `connection`, which can be read; false ends it.
  // Reading and writing give up after two seconds. `stop` outlives the server.
  ThreadedServer(int threads, const StopSignal& stop,
                 std::function<bool(int connection)> call);
  ~ThreadedServer();  // waits for a signal, and for the calls under way
  ThreadedServer(const ThreadedServer&) = delete;
  ThreadedServer& operator=(const ThreadedServer&) = delete;

  const std::string& address() const { return listener_.address(); }

 private:
  void Work();

  const StopSignal& stop_;
  const std::function<bool(int)> call_;
  const Listener listener_;
  std::vector<std::thread> threads_;
};

}  // namespace poolscope::examples

#endif  // POOLSCOPE_EXAMPLES_LOOPBACK_H_

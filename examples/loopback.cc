#include "poolscope/examples/loopback.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace poolscope::examples {
namespace {

void DieUnless(bool done, const char* what) {
  if (done) return;
  std::perror(what);
  std::exit(1);
}

int MakeSignalFd() {
  // A shell starts background jobs with SIGINT ignored.
  signal(SIGINT, SIG_DFL);
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

}  // namespace

StopSignal::StopSignal() : fd_(MakeSignalFd()) {
  DieUnless(fd_ >= 0, "signalfd");
}

StopSignal::~StopSignal() { close(fd_); }

void StopSignal::Await() const {
  while (!Within(-1)) {  // interrupted
  }
}

bool StopSignal::Within(int millis) const {
  pollfd stop{fd_, POLLIN, 0};
  return poll(&stop, 1, millis) == 1;
}

bool StopSignal::AwaitInput(int fd) const {
  pollfd both[] = {{fd_, POLLIN, 0}, {fd, POLLIN, 0}};
  while (poll(both, 2, -1) < 1) {  // interrupted
  }
  return both[0].revents == 0;
}

Listener::Listener()
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  sockaddr_in any_port{};
  any_port.sin_family = AF_INET;
  any_port.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(any_port);
  auto* const where = reinterpret_cast<sockaddr*>(&any_port);
  DieUnless(fd_ >= 0 && bind(fd_, where, size) == 0 &&
                listen(fd_, SOMAXCONN) == 0 &&
                getsockname(fd_, where, &size) == 0,
            "cannot listen on 127.0.0.1");
  address_ = "127.0.0.1:" + std::to_string(ntohs(any_port.sin_port));
}

Listener::~Listener() { close(fd_); }

int Listener::Accept() const {
  return accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
}

EpollLoop::EpollLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  DieUnless(Watch(EPOLL_CTL_ADD, stop_.fd(), EPOLLIN) &&
                Watch(EPOLL_CTL_ADD, listener_.fd(), EPOLLIN),
            "epoll");
}

EpollLoop::~EpollLoop() { close(epoll_); }

int EpollLoop::Wait() {
  while (true) {
    epoll_event event;
    if (epoll_wait(epoll_, &event, 1, -1) != 1) continue;  // interrupted
    const int fd = event.data.fd;
    if (fd == stop_.fd()) return -1;
    if (fd != listener_.fd()) return fd;
    const int connection = listener_.Accept();
    if (connection < 0) continue;
    if (!Watch(EPOLL_CTL_ADD, connection, EPOLLIN)) close(connection);
  }
}

void EpollLoop::Await(int connection, uint32_t events) {
  Watch(EPOLL_CTL_MOD, connection, events);
}

bool EpollLoop::Watch(int operation, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return epoll_ctl(epoll_, operation, fd, &event) == 0;
}

ThreadedServer::ThreadedServer(int threads, const StopSignal& stop,
                               std::function<bool(int connection)> call)
    : stop_(stop), call_(std::move(call)) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

ThreadedServer::~ThreadedServer() {
  for (std::thread& thread : threads_) thread.join();
}

void ThreadedServer::Work() {
  while (stop_.AwaitInput(listener_.fd())) {
    const int connection = listener_.Accept();
    if (connection < 0) continue;  // another thread has it
    const timeval patience{2, 0};
    for (const int way : {SO_RCVTIMEO, SO_SNDTIMEO}) {
      setsockopt(connection, SOL_SOCKET, way, &patience, sizeof(patience));
    }
    while (stop_.AwaitInput(connection) && call_(connection)) {
    }
    close(connection);
  }
}

}  // namespace poolscope::examples

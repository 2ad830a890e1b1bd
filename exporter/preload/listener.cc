#include "poolscope/exporter/preload/listener.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "poolscope/exporter/listening_socket.h"
#include "poolscope/exporter/preload/own_descriptors.h"
#include "poolscope/exporter/preload/python_memory.h"
#include "poolscope/exporter/signal_blocker.h"
#include "poolscope/metrics/process/loaded_objects.h"

namespace poolscope {
namespace {

// For what the sidecar's start needs; each child has one such stack.
constexpr size_t kStackBytes = size_t{512} << 10;

// Enough for a Prometheus and a person.
constexpr int kServerThreads = 4;

constexpr absl::Duration kRetry = absl::Seconds(1);
constexpr absl::Duration kLongestFork = absl::Seconds(1);

// The process's; pthread_atfork() passes nothing on.
Listener* listener = nullptr;

// Of the thread that forks, from before until after.
thread_local bool holds_still = false;
thread_local pid_t forking_process = 0;

// Returns once `process`, the parent of this one, has ended.
void AwaitEnd(pid_t process) {
  const int parent = static_cast<int>(syscall(SYS_pidfd_open, process, 0));
  // Asked after that: else it may be another process's by now.
  if (parent >= 0 && getppid() == process) {
    pollfd end = {parent, POLLIN, 0};
    while (poll(&end, 1, -1) < 0 && errno == EINTR) {
    }
  }
  if (parent >= 0) close(parent);
  // Where the system has no such descriptors.
  while (getppid() == process) absl::SleepFor(kRetry);
}

// Whether the program that started this one has the library too. Then it has
// the port as well, most likely, and there is nothing to complain about.
bool ParentHasLibrary() {
  Dl_info info;
  if (dladdr(reinterpret_cast<const void*>(&SayOnStderr), &info) == 0) {
    return false;
  }
  const char* const slash = std::strrchr(info.dli_fname, '/');
  const std::string name = slash == nullptr ? info.dli_fname : slash;
  std::ifstream maps(absl::StrCat("/proc/", getppid(), "/maps"));
  for (std::string line; std::getline(maps, line);) {
    if (absl::EndsWith(line, name)) return true;
  }
  return false;
}

}  // namespace

void SayOnStderr(absl::string_view line) {
  const std::string text = absl::StrCat("poolscope: ", line, "\n");
  // Whoever cannot be told is not told.
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, text.data(), text.size());
}

Listener::Listener(PreloadOptions options)
    : options_(std::move(options)),
      processes_(std::make_shared<ProcessTable>(options_.address)),
      address_(options_.address) {}

void Listener::Begin(PreloadOptions options) {
  TrackPythonMemory();
  // At fork() what was registered last comes first, and in a child last. Malloc
  // with this is the first, and ours the last: its thread, for which it waits,
  // may need the locks of the others.
  listener = new Listener(std::move(options));
  HoldLoaderListAtFork();
  if (listener->options_.fork != PreloadOptions::Fork::kOff) {
    pthread_atfork([] { listener->BeforeFork(); },
                   [] { listener->AfterForkInParent(); },
                   [] { listener->AfterForkInChild(); });
  }
  listener->StartThread();
}

void Listener::BeforeFork() {
  forking_process = getpid();
  const timespec until = absl::ToTimespec(absl::Now() + kLongestFork);
  int waited;
  do {
    waited = sem_timedwait(&still_, &until);
  } while (waited != 0 && errno == EINTR);
  holds_still = waited == 0;
}

void Listener::AfterForkInParent() {
  if (holds_still) sem_post(&still_);
}

void Listener::AfterForkInChild() {
  parent_ = forking_process;
  StartThread();
}

void Listener::StartThread() {
  // The thread's, which starts something first of all.
  sem_init(&still_, /*pshared=*/0, 0);
  const SignalBlocker blocker;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, &Run, this);
  pthread_attr_destroy(&attributes);
  if (error == 0) return;
  sem_post(&still_);
  if (parent_ == 0) {
    SayOnStderr(absl::StrCat("cannot start a thread: ", std::strerror(error)));
  }
}

void* Listener::Run(void* self) {
  auto* const listener = static_cast<Listener*>(self);
  // Memory may be short, and the program shall not end for that.
  try {
    listener->Serve();
  } catch (const std::exception&) {
    LeaveStderr();
  }
  sem_post(&listener->still_);
  return nullptr;
}

absl::StatusOr<std::unique_ptr<Sidecar>> Listener::Start(
    const ListenAddress& address) {
  SidecarOptions options;
  options.listen_address = address.ToString();
  options.server_threads = kServerThreads;
  // There is no allocator to maintain.
  options.maintain_interval = absl::ZeroDuration();
  absl::StatusOr<std::unique_ptr<Sidecar>> sidecar =
      Sidecar::Start(std::move(options));
  if (!sidecar.ok()) return sidecar.status();
  (*sidecar)->RegisterCollectable(processes_);
  // A child of this one takes over what this one has.
  if (address.port == address_.port) {
    address_.port = static_cast<uint16_t>((*sidecar)->port());
  }
  return sidecar;
}

absl::StatusOr<std::unique_ptr<Sidecar>> Listener::StartWhenFree() {
  while (true) {
    absl::Status status;
    if (InUse(address_)) {
      status = absl::UnavailableError(
          absl::StrCat("POOLSCOPE_LISTEN: ", address_.ToString(),
                       " is in use; listening as soon as it is free"));
    } else {
      absl::StatusOr<std::unique_ptr<Sidecar>> sidecar = Start(address_);
      if (sidecar.ok() || !absl::IsUnavailable(sidecar.status())) {
        return sidecar;
      }
      status = sidecar.status();
    }
    if (parent_ == 0 && !ParentHasLibrary()) SayOnStderr(status.message());
    LeaveStderr();
    sem_post(&still_);
    absl::SleepFor(kRetry);
    sem_wait(&still_);
  }
}

void Listener::ShowPort(const Sidecar& sidecar, bool own) const {
  processes_->Set(getpid(), static_cast<uint16_t>(sidecar.port()));
  if (options_.verbose) {
    SayOnStderr(absl::StrCat("process ", getpid(), ": ", sidecar.url()));
  }
  const bool one_each = absl::StrContains(options_.port_file, "%p");
  if (options_.port_file.empty() || (own && !one_each)) return;
  const std::string path =
      absl::StrReplaceAll(options_.port_file, {{"%p", absl::StrCat(getpid())}});
  // Whoever reads it finds nothing or all of it.
  const std::string draft = absl::StrCat(path, ".", getpid());
  std::ofstream(draft) << sidecar.port() << "\n";
  if (std::rename(draft.c_str(), path.c_str()) != 0) unlink(draft.c_str());
}

void Listener::Serve() {
  const bool first = parent_ == 0;
  absl::Status status = TakeOwnDescriptors(/*keep_stderr=*/first);
  std::unique_ptr<Sidecar> own;
  if (status.ok() && !first) {
    if (options_.fork == PreloadOptions::Fork::kListen) {
      ListenAddress any = options_.address;
      any.port = 0;
      absl::StatusOr<std::unique_ptr<Sidecar>> started = Start(any);
      if (started.ok()) {
        own = *std::move(started);
        ShowPort(*own, /*own=*/true);
      }
    }
    sem_post(&still_);
    AwaitEnd(parent_);
    sem_wait(&still_);
  }
  if (status.ok()) {
    absl::StatusOr<std::unique_ptr<Sidecar>> started = StartWhenFree();
    status = started.status();
    if (started.ok()) {
      ShowPort(**started, /*own=*/false);
      started->release();
    } else {
      own.release();
    }
  }
  if (first && !status.ok()) SayOnStderr(status.message());
  LeaveStderr();
}

}  // namespace poolscope

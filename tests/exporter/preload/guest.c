// A program that never heard of the library, for preload_test.py. What it does
// is its first argument; it tells its process ids on standard output, and ends
// once it has read the end of the file named by the second, which the test
// holds open.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kRounds = 2000, kForks = 300, kStatus = 7 };

static void Tell(const char* what, long value) {
  printf("%s %ld\n", what, value);
  fflush(stdout);
}

static void Await(const char* path) {
  // It may have ended already.
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  fcntl(fd, F_SETFL, 0);
  char byte;
  while (read(fd, &byte, 1) > 0) {
  }
  close(fd);
}

static void* Nothing(void* unused) { return unused; }

// One child, which the parent waits for.
static int Fork(const char* path) {
  const pid_t child = fork();
  if (child == 0) {
    Tell("child", getpid());
    Await(path);
    _exit(kStatus);
  }
  int status;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

// As daemons are made: twice forked, its parents gone, every descriptor closed
// and the numbers used anew.
static int Daemon(const char* path) {
  if (fork() != 0) return 0;
  setsid();
  if (fork() != 0) return 0;
  Tell("daemon", getpid());
  for (int fd = 0; fd < 1024; ++fd) close(fd);
  for (int fd = 0; fd < 64; ++fd) {
    if (socket(AF_UNIX, SOCK_STREAM, 0) != fd) return 1;
  }
  Await(path);
  return 0;
}

// A parent that goes on, while its child's child has lost its own.
static int Orphan(const char* path) {
  const pid_t middle = fork();
  if (middle == 0) {
    if (fork() == 0) {
      Tell("orphan", getpid());
      Await(path);
    }
    _exit(0);
  }
  waitpid(middle, NULL, 0);
  Await(path);
  return 0;
}

// Sets SIGPIPE over and over while the library starts; the last is to stand.
static int Signals(const char* path) {
  struct sigaction before;
  for (int i = 0; i < kRounds; ++i) {
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = i % 2 == 0 ? SIG_DFL : SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    usleep(100);
    sigaction(SIGPIPE, NULL, &before);
    if (before.sa_handler != action.sa_handler) return 1;
  }
  Await(path);
  return 0;
}

static volatile sig_atomic_t caught = 0;
static pthread_t main_thread;
static void OnSignal(int signal) {
  (void)signal;
  caught = pthread_equal(pthread_self(), main_thread) ? 1 : 2;
}

// A signal for the process finds the one thread that the program has.
static int Caught(const char* path) {
  main_thread = pthread_self();
  signal(SIGUSR1, OnSignal);
  Await(path);
  kill(getpid(), SIGUSR1);
  return caught == 1 ? 0 : 1;
}

// Every thread is told of new ids; one that could not follow would end us.
static int Drop(const char* path) {
  if (setgid(getgid()) != 0 || setuid(getuid()) != 0) return 1;
  Tell("dropped", getpid());
  Await(path);
  return 0;
}

// A child that runs another program, with the same environment.
static int Exec(const char* program, const char* path) {
  const pid_t child = fork();
  if (child == 0) {
    execl(program, program, "wait", path, (char*)NULL);
    _exit(1);
  }
  int status;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status);
}

// Becomes a program on a system that knows no close_range().
static int Refused(const char* program, const char* path) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
    return 1;
  }
  execl(program, program, "wait", path, (char*)NULL);
  return 1;
}

// Descriptors begin where they always did.
static int Descriptors(const char* path) {
  Await(path);
  return dup(0) == 3 ? 0 : 1;
}

static int Threads(const char* path) {
  pthread_t thread;
  for (int i = 0; i < kForks; ++i) {
    if (pthread_create(&thread, NULL, Nothing, NULL) != 0) return 1;
    pthread_join(thread, NULL);
    const pid_t child = fork();
    if (child == 0) {
      free(malloc(100));
      _exit(0);
    }
    waitpid(child, NULL, 0);
    if (i == kForks / 2) Tell("half", i);
  }
  Await(path);
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const char* const mode = argv[1];
  const char* const path = argc > 2 ? argv[2] : "";
  if (strcmp(mode, "exit") == 0) exit(kStatus);
  if (strcmp(mode, "return") == 0) return kStatus;
  if (strcmp(mode, "fork") == 0) return Fork(path);
  if (strcmp(mode, "daemon") == 0) return Daemon(path);
  if (strcmp(mode, "orphan") == 0) return Orphan(path);
  if (strcmp(mode, "signals") == 0) return Signals(path);
  if (strcmp(mode, "caught") == 0) return Caught(path);
  if (strcmp(mode, "drop") == 0) return Drop(path);
  if (strcmp(mode, "exec") == 0) return Exec(argv[0], path);
  if (strcmp(mode, "refused") == 0) return Refused(argv[0], path);
  if (strcmp(mode, "descriptors") == 0) return Descriptors(path);
  if (strcmp(mode, "threads") == 0) return Threads(path);
  Tell("process", getpid());
  Await(path);
  return 0;
}

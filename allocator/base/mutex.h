// Mutex, MutexLock: std::mutex with clang's thread-safety annotations, a
// checked lock order, and counts of use and waiting.
//
//   Mutex mutex_{LockRank::kArena};
//   int chunks_ ABSL_GUARDED_BY(mutex_);
//   ...
//   MutexLock lock(&mutex_);
//
// Why not absl::Mutex: Debian's abseil is built without ThreadSanitizer's
// annotations, so that every absl::MutexLock is reported as a race under it.
//
// Thread safety: thread-safe.
#ifndef POOLSCOPE_ALLOCATOR_BASE_MUTEX_H_
#define POOLSCOPE_ALLOCATOR_BASE_MUTEX_H_

#include <cstdint>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "poolscope/allocator/base/lock_order.h"
#include "poolscope/allocator/base/single_writer_counter.h"

namespace poolscope {

struct LockCounts {
  uint64_t acquisitions = 0;
  uint64_t contentions = 0;
  uint64_t wait_nanos = 0;
};

class ABSL_LOCKABLE Mutex {
 public:
  constexpr Mutex() = default;
  explicit constexpr Mutex(LockRank rank) : rank_(rank) {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    CheckOrder();
    if (!mutex_.try_lock()) LockContended();
    acquisitions_.Add(1);
    NoteLocked();
  }
  bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    if (!mutex_.try_lock()) return false;
    acquisitions_.Add(1);
    NoteLocked();
    return true;
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    NoteUnlocked();
    mutex_.unlock();
  }

  // How often it was taken, how often that meant waiting, and for how long
  // altogether. For any thread. Contentions are read before acquisitions: never
  // more of the former.
  LockCounts Counts() const {
    LockCounts counts;
    counts.wait_nanos = wait_nanos_.Value();
    counts.contentions = contentions_.Value();
    counts.acquisitions = acquisitions_.Value();
    return counts;
  }

  // For a fork() handler, which takes every lock of one rank at once.
  void LockForFork() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.lock(); }
  void UnlockForFork() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_.unlock(); }

 private:
#ifdef NDEBUG
  void CheckOrder() const {}
  void NoteLocked() const {}
  void NoteUnlocked() const {}
#else
  void CheckOrder() const;
  void NoteLocked() const;
  void NoteUnlocked() const;
#endif

  // Waits for the lock, reading the clock before and after.
  void LockContended();

  std::mutex mutex_;
  // Written by whoever holds the lock.
  SingleWriterCounter acquisitions_;
  SingleWriterCounter contentions_;
  SingleWriterCounter wait_nanos_;
  [[maybe_unused]] const LockRank rank_ = LockRank::kUnranked;
};

class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex)
      : mutex_(mutex) {
    mutex_->Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mutex_;
};

// A mutex under the names that std::condition_variable_any calls.
class BasicLock {
 public:
  explicit BasicLock(Mutex* mutex) : mutex_(mutex) {}
  void lock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_->Lock(); }
  void unlock() ABSL_NO_THREAD_SAFETY_ANALYSIS { mutex_->Unlock(); }

 private:
  Mutex* const mutex_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_BASE_MUTEX_H_

// NativeMemoryScope: the category that this thread's tagged blocks belong to,
// between two lines.
//
//   {
//     NativeMemoryScope scope(kRoutes);
//     LoadRoutes();   // what it takes with TaggedMalloc() is "Route Table"
//   }
//
// Scopes nest; the innermost holds. It is the thread's alone: work handed to
// another thread takes the category along, and opens a scope there.
//
// Thread safety: an object belongs to the thread that made it.
#ifndef POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_SCOPE_H_
#define POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_SCOPE_H_

#include "poolscope/metrics/native_memory/native_memory_category.h"

namespace poolscope {

class NativeMemoryScope {
 public:
  // Null: blocks belong to no category until the scope ends.
  explicit NativeMemoryScope(NativeMemoryCategory* category);
  ~NativeMemoryScope();
  NativeMemoryScope(const NativeMemoryScope&) = delete;
  NativeMemoryScope& operator=(const NativeMemoryScope&) = delete;

  // Null outside of every scope.
  static NativeMemoryCategory* Current();

 private:
  NativeMemoryCategory* const outer_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_METRICS_NATIVE_MEMORY_NATIVE_MEMORY_SCOPE_H_

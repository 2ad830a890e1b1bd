// MemoryShortage: while it lives, one call of operator new by the thread that
// made it throws.
//
// Who links this has the operators of memory_shortage.cc. One at a time.
#ifndef POOLSCOPE_TESTS_EXPORTER_MEMORY_SHORTAGE_H_
#define POOLSCOPE_TESTS_EXPORTER_MEMORY_SHORTAGE_H_

namespace poolscope {

class MemoryShortage {
 public:
  // That behind as many as these, which succeed, as do the later ones.
  explicit MemoryShortage(int allocations);
  ~MemoryShortage();
  MemoryShortage(const MemoryShortage&) = delete;
  MemoryShortage& operator=(const MemoryShortage&) = delete;
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_EXPORTER_MEMORY_SHORTAGE_H_

// CreationHint: what the calling thread is about, for the reports of blocks
// that it allocates meanwhile.
//
//   CreationHint hint("GET /orders");
//   auto reply = allocator->Allocate(size);   // leaked: its report says so
//
// Costs two stores; read only when a block is tracked. The text is borrowed,
// and copied (up to 128 bytes) then. Hints nest: the innermost counts.
//
// Thread safety: belongs to the thread that made it.
#ifndef POOLSCOPE_ALLOCATOR_LEAK_CREATION_HINT_H_
#define POOLSCOPE_ALLOCATOR_LEAK_CREATION_HINT_H_

#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"

namespace poolscope {

class CreationHint {
 public:
  explicit CreationHint(absl::string_view text) : text_(text), outer_(current) {
    current = this;
  }
  // A string that ends with the statement is refused when it is compiled.
  template <typename T,
            std::enable_if_t<std::is_same<T, std::string>::value, int> = 0>
  explicit CreationHint(T&& text) = delete;
  ~CreationHint() { current = outer_; }
  CreationHint(const CreationHint&) = delete;
  CreationHint& operator=(const CreationHint&) = delete;

  // Of the calling thread; empty when there is none.
  static absl::string_view Current() {
    return current == nullptr ? absl::string_view() : current->text_;
  }

 private:
  static inline __thread const CreationHint* current = nullptr;

  const absl::string_view text_;
  const CreationHint* const outer_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_ALLOCATOR_LEAK_CREATION_HINT_H_

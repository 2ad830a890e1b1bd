// BufferKind: the ways in which a buffer may come about, for tests that must
// hold for each of them.
//
//   class MyTest : public testing::TestWithParam<BufferKind> {
//     BufferMaker maker_;
//   };
//   INSTANTIATE_TEST_SUITE_P(Kinds, MyTest, WritableKinds(), BufferKindName);
//   TEST_P(MyTest, ...) { Buffer b = GetParam().make(maker_, 16); ... }
//
// A buffer that is made has the capacity asked for plus the kind's `extra`,
// offsets of 0, and undefined contents.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_BUFFER_BUFFER_KINDS_H_
#define POOLSCOPE_TESTS_ALLOCATOR_BUFFER_BUFFER_KINDS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "poolscope/allocator/buffer/buffer_allocator.h"
#include "poolscope/tests/allocator/pool/test_pool.h"

namespace poolscope {

// Both allocators, and what must live as long as the buffers made. At the end
// everything must have been given back.
class BufferMaker {
 public:
  BufferMaker();
  ~BufferMaker();

  BufferAllocator& pooled() { return *pooled_; }
  BufferAllocator& unpooled() { return *unpooled_; }
  TestPool& pool() { return pool_; }
  // Keeps another part of a block in use.
  void Keep(Buffer part) { kept_.push_back(std::move(part)); }

 private:
  TestPool pool_;
  std::unique_ptr<BufferAllocator> pooled_;
  std::unique_ptr<BufferAllocator> unpooled_;
  std::vector<Buffer> kept_;
};

struct BufferKind {
  const char* name;
  size_t extra;
  std::function<Buffer(BufferMaker& maker, size_t size)> make;
  // What becomes of one that was filled, as being made read-only.
  std::function<Buffer(Buffer filled)> finish = nullptr;

  // A buffer whose readable bytes are `bytes`, from `reader` on.
  Buffer MakeFilled(BufferMaker& maker, absl::string_view bytes,
                    size_t reader = 0) const;
};

// Kinds that can be written; those of exact size; and all, with the read-only.
std::vector<BufferKind> WritableBufferKinds();
std::vector<BufferKind> ExactBufferKinds();
std::vector<BufferKind> AllBufferKinds();

inline auto WritableKinds() { return testing::ValuesIn(WritableBufferKinds()); }
inline auto ExactKinds() { return testing::ValuesIn(ExactBufferKinds()); }
inline auto AllKinds() { return testing::ValuesIn(AllBufferKinds()); }
inline std::string BufferKindName(
    const testing::TestParamInfo<BufferKind>& info) {
  return info.param.name;
}

// The result of what must succeed.
template <typename T>
T Must(absl::StatusOr<T> result) {
  EXPECT_TRUE(result.ok()) << result.status();
  return *std::move(result);
}

// The readable bytes, without moving an offset.
std::string ReadableOf(const Buffer& buffer);

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_BUFFER_BUFFER_KINDS_H_

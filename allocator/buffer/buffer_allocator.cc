#include "poolscope/allocator/buffer/buffer_allocator.h"

#include <cstring>
#include <utility>

namespace poolscope {

using buffer_internal::AllocatorCore;
using buffer_internal::UnpooledHeap;

namespace {

absl::Span<const uint8_t> BytesOf(absl::string_view text) {
  return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                             text.size());
}

}  // namespace

std::unique_ptr<BufferAllocator> BufferAllocator::Pooled(
    PooledAllocator* pool, std::shared_ptr<LeakDetector> leaks) {
  return std::unique_ptr<BufferAllocator>(
      new BufferAllocator(pool, AllocatorCore::Pooled(pool, std::move(leaks))));
}

absl::StatusOr<std::unique_ptr<BufferAllocator>> BufferAllocator::Unpooled(
    const UnpooledOptions& options) {
  absl::StatusOr<std::unique_ptr<UnpooledHeap>> heap =
      UnpooledHeap::Create(options);
  if (!heap.ok()) return heap.status();
  return std::unique_ptr<BufferAllocator>(
      new BufferAllocator(nullptr, AllocatorCore::Unpooled(*std::move(heap))));
}

BufferAllocator::~BufferAllocator() {
  core_->Close();
  core_->Unref();
}

absl::Status BufferAllocator::Refusal() {
  return PooledAllocator::LastRefusal();
}

absl::StatusOr<Buffer> BufferAllocator::AllocateSlow(size_t size) {
  absl::StatusOr<uint8_t*> block = core_->Allocate(size);
  if (!block.ok()) return block.status();
  return Buffer(core_, *block, core_->memory(), size);
}

absl::StatusOr<Buffer> BufferAllocator::CopyOf(
    absl::Span<const uint8_t> bytes) {
  absl::StatusOr<Buffer> buffer = Allocate(bytes.size());
  if (buffer.ok()) buffer->WriteBytes(bytes);
  return buffer;
}

absl::StatusOr<Buffer> BufferAllocator::CopyOf(absl::string_view bytes) {
  return CopyOf(BytesOf(bytes));
}

absl::StatusOr<CompositeBuffer> BufferAllocator::Compose(
    std::vector<Buffer> components) {
  absl::Status open = core_->CheckOpen();
  if (!open.ok()) return open;
  return CompositeBuffer::Compose(core_, std::move(components));
}

absl::StatusOr<CompositeBuffer> BufferAllocator::Compose(
    std::vector<SentBuffer> components) {
  std::vector<Buffer> received;
  received.reserve(components.size());
  for (SentBuffer& sent : components) received.push_back(sent.Receive());
  return Compose(std::move(received));
}

absl::StatusOr<ConstBuffer> BufferAllocator::MakeConst(
    absl::Span<const uint8_t> bytes) {
  absl::StatusOr<uint8_t*> block = core_->Allocate(bytes.size());
  if (!block.ok()) return block.status();
  if (!bytes.empty()) std::memcpy(*block, bytes.data(), bytes.size());
  return ConstBuffer(core_, *block, bytes.size());
}

absl::StatusOr<ConstBuffer> BufferAllocator::MakeConst(
    absl::string_view bytes) {
  return MakeConst(BytesOf(bytes));
}

AllocatorStats BufferAllocator::Stats(const StatsOptions& options) const {
  return pool_ != nullptr ? pool_->Stats(options) : core_->heap()->Stats();
}

TrimResult BufferAllocator::Maintain() {
  return pool_ != nullptr ? pool_->Maintain() : TrimResult();
}

TrimResult BufferAllocator::Trim() {
  return pool_ != nullptr ? pool_->Trim() : TrimResult();
}

}  // namespace poolscope

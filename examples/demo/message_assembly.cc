#include "poolscope/examples/demo/message_assembly.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/status/statusor.h"

namespace poolscope::demo {

const char* RefusalKindName(RefusalKind kind) {
  return kind == RefusalKind::kHuge ? "huge block" : "new chunk";
}

std::optional<Refusal> MessageAssembly::Append(absl::string_view bytes) {
  while (!bytes.empty()) {
    if (!component_.is_open()) {
      const size_t size = std::min(options_->component_bytes, missing_bytes());
      absl::StatusOr<Buffer> component = options_->allocator->Allocate(size);
      if (!component.ok()) return Fail(size, component.status());
      component_ = *std::move(component);
    }
    const size_t part = std::min(bytes.size(), component_.writable_bytes());
    component_.WriteBytes(bytes.substr(0, part));
    received_ += part;
    bytes.remove_prefix(part);
    if (component_.writable_bytes() == 0) {
      std::optional<Refusal> refusal = AddComponent();
      if (refusal.has_value()) return refusal;
    }
  }
  return std::nullopt;
}

std::optional<Refusal> MessageAssembly::AddComponent() {
  const size_t size = component_.capacity();
  absl::Status status;
  if (composite_.is_open()) {
    status = composite_.ExtendWith(std::move(component_));
  } else {
    absl::StatusOr<CompositeBuffer> composite =
        options_->allocator->Compose(std::move(component_));
    status = composite.status();
    if (composite.ok()) composite_ = *std::move(composite);
  }
  if (!status.ok()) return Fail(size, status);
  if (composite_.CountComponents() <= consolidate_above_) return std::nullopt;
  return Consolidate();
}

std::optional<Refusal> MessageAssembly::Consolidate() {
  const size_t size = composite_.capacity();
  if (options_->may_consolidate && !options_->may_consolidate(size)) {
    ++postponed_;
    consolidate_above_ += options_->max_components;
    return std::nullopt;
  }
  const absl::StatusOr<bool> more =
      composite_.Consolidate(std::numeric_limits<size_t>::max());
  if (!more.ok()) return Fail(size, more.status());
  ++consolidations_;
  consolidate_above_ = options_->max_components;
  return std::nullopt;
}

Refusal MessageAssembly::Fail(size_t requested_bytes, absl::Status reason) {
  component_.Close();
  composite_.Close();
  return Refusal{requested_bytes > options_->chunk_bytes ? RefusalKind::kHuge
                                                         : RefusalKind::kChunk,
                 requested_bytes, std::move(reason)};
}

Buffer MessageAssembly::Take() { return std::move(composite_); }

}  // namespace poolscope::demo

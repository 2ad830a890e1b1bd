#include "poolscope/bench/burst.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>

#include "absl/strings/str_cat.h"
#include "poolscope/bench/resident.h"

namespace poolscope::bench {
namespace {

constexpr size_t kComponentBytes = 8192;
constexpr int kComponentsPerConsolidation = 1024;
constexpr int kConsolidations = 12;  // 12 * 1024 * 8 KiB = 100.7 MB
constexpr int kMessages = 5;
constexpr auto kIdleTime = std::chrono::milliseconds(100);

constexpr size_t kStepBytes = kComponentBytes * kComponentsPerConsolidation;

// What the component with this number is filled with.
uint8_t Filling(int component) { return component * 7 + component / 256; }

class Assembly {
 public:
  explicit Assembly(const Policy& policy) : policy_(policy) {}
  ~Assembly() {
    if (whole_ != nullptr) policy_.free(whole_);
  }

  absl::Status Run() {
    for (int i = 0; i < kConsolidations; ++i) {
      for (int j = 0; j < kComponentsPerConsolidation; ++j) {
        components_[j] = policy_.allocate(kComponentBytes);
        if (components_[j] == nullptr) return Refused(kComponentBytes);
        std::memset(components_[j],
                    Filling(i * kComponentsPerConsolidation + j),
                    kComponentBytes);
      }
      if (absl::Status status = Consolidate(); !status.ok()) return status;
    }
    return Check();
  }

 private:
  static absl::Status Refused(size_t bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("refused ", bytes, " bytes"));
  }

  absl::Status Consolidate() {
    auto* next = static_cast<uint8_t*>(policy_.allocate(bytes_ + kStepBytes));
    if (next == nullptr) return Refused(bytes_ + kStepBytes);
    if (whole_ != nullptr) {
      std::memcpy(next, whole_, bytes_);
      policy_.free(whole_);
    }
    for (void* component : components_) {
      std::memcpy(next + bytes_, component, kComponentBytes);
      bytes_ += kComponentBytes;
      policy_.free(component);
    }
    whole_ = next;
    return absl::OkStatus();
  }

  // Each component must have arrived; its last byte stands for it.
  absl::Status Check() const {
    for (int i = 0; i < kConsolidations * kComponentsPerConsolidation; ++i) {
      if (whole_[(i + 1) * kComponentBytes - 1] != Filling(i)) {
        return absl::InternalError(absl::StrCat("component ", i, " is lost"));
      }
    }
    return absl::OkStatus();
  }

  const Policy& policy_;
  void* components_[kComponentsPerConsolidation] = {};
  uint8_t* whole_ = nullptr;
  size_t bytes_ = 0;  // of whole_
};

absl::Status Run(const Policy& policy, TrialOptions options,
                 const OnFigure& on_figure) {
  const uint64_t base = ResidentBytes();
  for (int i = 0; i < (options.quick ? 2 : kMessages); ++i) {
    const auto start = std::chrono::steady_clock::now();
    {
      Assembly message(policy);
      if (absl::Status status = message.Run(); !status.ok()) return status;
    }
    const std::chrono::duration<double, std::milli> elapsed =
        std::chrono::steady_clock::now() - start;
    on_figure("memory/burst_ms", elapsed.count());
  }
  if (policy.pool.idle != nullptr) policy.pool.idle();
  std::this_thread::sleep_for(kIdleTime);
  if (policy.pool.maintain != nullptr) policy.pool.maintain();
  on_figure("memory/burst_kept_mb",
            KibAbove(ResidentBytes(), base) * 1024 / 1e6);
  return absl::OkStatus();
}

}  // namespace

Trial BurstTrial() {
  Trial trial;
  trial.group = "memory";
  trial.name = "burst";
  trial.cells = {{"memory/burst_ms", Bar{Bar::Side::kAtMost, 130}},
                 {"memory/burst_kept_mb", Bar{Bar::Side::kAtMost, 10}}};
  trial.runs = 3;
  trial.run = Run;
  return trial;
}

}  // namespace poolscope::bench

#include "poolscope/examples/demo/aggregator_connection.h"

#include "absl/strings/str_cat.h"

namespace poolscope::demo {

AggregatorConnection::~AggregatorConnection() {
  if (!assembling()) return;
  AggregatorCounters::Add(counters_->abandoned);
  EndAssembly();
}

absl::Status AggregatorConnection::Read(absl::Span<char> buffer,
                                        std::vector<AggregatedMessage>* ended) {
  ended_ = ended;
  const absl::Status status = ReadFrames(fd_, buffer, parser_, *this);
  ended_ = nullptr;
  return status;
}

std::optional<FrameHeader> AggregatorConnection::GiveUp() {
  if (!assembling()) return std::nullopt;
  AggregatorCounters::Add(counters_->given_up);
  EndAssembly();
  dropping_ = true;
  return header_;
}

absl::Status AggregatorConnection::OnHeader(const FrameHeader& header) {
  if (header.kind != FrameKind::kRequest) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a frame of kind ", static_cast<int>(header.kind), ", not a request"));
  }
  AggregatorCounters::Add(counters_->messages);
  header_ = header;
  assembly_.emplace(options_, header.length);
  return absl::OkStatus();
}

void AggregatorConnection::OnPayload(size_t, absl::string_view part) {
  if (dropping_) return;
  const int64_t before = static_cast<int64_t>(assembling_bytes());
  std::optional<Refusal> refusal = assembly_->Append(part);
  counters_->assembling_bytes.fetch_add(
      static_cast<int64_t>(assembling_bytes()) - before,
      std::memory_order_relaxed);
  if (!refusal.has_value()) return;
  counters_->CountRefusal(*refusal);
  EndAssembly();
  dropping_ = true;
  ended_->push_back(AggregatedMessage{header_, std::move(refusal), Buffer()});
}

void AggregatorConnection::OnEnd() {
  if (!dropping_) {
    AggregatorCounters::Add(counters_->assembled);
    const size_t held = assembling_bytes();
    Buffer payload = assembly_->Take();
    counters_->assembling_bytes.fetch_sub(static_cast<int64_t>(held),
                                          std::memory_order_relaxed);
    EndAssembly();
    ended_->push_back(
        AggregatedMessage{header_, std::nullopt, std::move(payload)});
  }
  dropping_ = false;
}

void AggregatorConnection::EndAssembly() {
  counters_->assembling_bytes.fetch_sub(
      static_cast<int64_t>(assembling_bytes()), std::memory_order_relaxed);
  AggregatorCounters::Add(counters_->consolidations,
                          assembly_->consolidations());
  AggregatorCounters::Add(counters_->postponed, assembly_->postponed());
  assembly_.reset();
}

}  // namespace poolscope::demo

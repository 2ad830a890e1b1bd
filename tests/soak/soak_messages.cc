#include "poolscope/tests/soak/soak_messages.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "poolscope/allocator/outbound/admission_policy.h"
#include "poolscope/allocator/outbound/outbound_stats.h"
#include "poolscope/examples/demo/options.h"
#include "poolscope/examples/demo/scenario.h"
#include "poolscope/tests/allocator/pool/stress/work_scale.h"

namespace poolscope::soak {
namespace {

using demo::Failure;

// Too little for the largest messages of a stall.
constexpr size_t kLimitBytes = 2 << 20;
constexpr std::chrono::seconds kRound(4);
constexpr absl::Duration kStallAfter = absl::Seconds(1);
constexpr absl::Duration kStall = absl::Seconds(1);
// For the answers under way: the machine is busy, and no message may be lost.
constexpr absl::Duration kDrain = absl::Minutes(2);

constexpr AdmissionPolicy kPolicies[] = {
    AdmissionPolicy::kQueue, AdmissionPolicy::kReject, AdmissionPolicy::kClose};
constexpr uint64_t kSizes[] = {1000, 14336, 100000, 600000};

const demo::Scenario& Relayed() {
  static const demo::Scenario* const kScenario = [] {
    auto* const scenario = new demo::Scenario;
    scenario->name = "soak";
    scenario->min_delay = absl::Milliseconds(5);
    scenario->max_delay = absl::Milliseconds(20);
    return scenario;
  }();
  return *kScenario;
}

demo::DemoOptions RoundOptions(uint64_t round) {
  demo::DemoOptions options;
  options.scenario = &Relayed();
  options.policy = kPolicies[round % 3];
  options.message_bytes = kSizes[round % 4];
  // Some 5 MB a second of payload, but no more than 200 messages.
  options.rate = Scaled(static_cast<int>(
      std::min<uint64_t>(200, 5000000 / options.message_bytes)));
  options.connections = 4;
  options.stall_after = kStallAfter;
  options.stall = kStall;
  options.socket_buffer_bytes = 32 << 10;
  options.seed = 1 + round % 1000;
  return options;
}

void Add(const demo::MessageTotals& totals, MessageAccount* account) {
  account->sent += totals.sent;
  account->answered += totals.answered;
  account->refused += totals.failed_by(Failure::kRequestRefused) +
                      totals.failed_by(Failure::kAnswerRefused) +
                      totals.failed_by(Failure::kRejected);
  account->cancelled += totals.failed_by(Failure::kConnectionLost);
}

}  // namespace

absl::StatusOr<std::unique_ptr<SoakMessages>> SoakMessages::Create(
    Problems* problems) {
  std::unique_ptr<SoakMessages> made(new SoakMessages(problems));
  PoolOptions options;
  options.name = "messages";
  options.max_direct_memory_bytes = kLimitBytes;
  options.max_order = 6;
  options.arenas = 2;
  options.empty_chunk_decay = absl::Milliseconds(20);
  absl::StatusOr<std::unique_ptr<SoakAllocator>> allocator =
      SoakAllocator::Create(std::move(options), problems);
  if (!allocator.ok()) return allocator.status();
  made->allocator_ = *std::move(allocator);
  made->buffers_ = BufferAllocator::Pooled(made->allocator_->pool(),
                                           made->allocator_->detector());
  return made;
}

MessageAccount SoakMessages::Account() const {
  std::lock_guard<std::mutex> lock(mutex_);
  MessageAccount account = ended_;
  if (traffic_ != nullptr) Add(traffic_->counts().Totals(), &account);
  return account;
}

void SoakMessages::Problem(const std::string& text) {
  problems_->Add(absl::StrCat("messages: ", text));
}

void SoakMessages::Round(StopFlag* stop) {
  const uint64_t round = Account().rounds;
  absl::StatusOr<std::unique_ptr<demo::Traffic>> started =
      demo::Traffic::Start(RoundOptions(round), buffers_.get(), &channels_);
  if (!started.ok()) {
    Problem(absl::StrCat("round ", round, ": ", started.status().ToString()));
    return;
  }
  demo::Traffic* const traffic = started->get();
  {
    std::lock_guard<std::mutex> lock(mutex_);
    traffic_ = *std::move(started);
  }
  stop->WaitFor(kRound);
  CheckRound(traffic->Finish(kDrain));
}

void SoakMessages::CheckRound(const demo::TrafficResult& result) {
  std::lock_guard<std::mutex> lock(mutex_);
  const std::string where = absl::StrCat("round ", ended_.rounds, ": ");
  const demo::RelayCounters& relay = traffic_->relay();
  if (result.unanswered != 0 || result.totals.in_flight != 0) {
    Problem(absl::StrCat(where, result.unanswered, " unanswered, ",
                         result.totals.in_flight, " in flight at the end"));
  }
  for (const Failure failure : {Failure::kUpstreamLost, Failure::kCorrupt,
                                Failure::kHugeRefused, Failure::kGivenUp}) {
    if (result.totals.failed_by(failure) == 0) continue;
    Problem(absl::StrCat(where, result.totals.failed_by(failure), " ",
                         demo::FailureName(failure)));
  }
  // What the relay read it forwarded or refused.
  if (relay.requests != relay.forwarded + relay.refused_requests) {
    Problem(absl::StrCat(where, relay.requests.load(), " requests, but ",
                         relay.forwarded.load(), " forwarded and ",
                         relay.refused_requests.load(), " refused"));
  }
  Add(result.totals, &ended_);
  ++ended_.rounds;
  refused_by_relay_ += relay.refused_requests + relay.refused_answers;
  traffic_.reset();
}

void SoakMessages::CheckAtRest() {
  const MessageAccount account = Account();
  if (account.sent != account.answered + account.refused + account.cancelled) {
    Problem(absl::StrCat(account.sent, " sent, but ", account.answered,
                         " answered, ", account.refused, " refused and ",
                         account.cancelled, " cancelled"));
  }
  for (const OutboundGroupStats& group : channels_.Stats().groups) {
    if (group.pending_bytes == 0 && group.pending_messages == 0 &&
        group.admission_queue_messages == 0) {
      continue;
    }
    Problem(absl::StrCat(group.pending_bytes, " bytes of ",
                         group.pending_messages, " messages wait in ",
                         group.group, ", and ", group.admission_queue_messages,
                         " before it"));
  }
  // A message that memory is refused for is read to its end before the relay
  // counts it, and its connection may be lost before.
  allocator_->CheckAtRest(refused_by_relay_, /*unseen=*/account.cancelled);
}

}  // namespace poolscope::soak

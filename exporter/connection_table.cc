#include "poolscope/exporter/connection_table.h"

#include <algorithm>
#include <utility>

namespace poolscope {
namespace {

bool IsOpen(const ConnectionTable::Entry& entry) {
  return entry.connection->state() != HttpConnection::State::kClosed;
}

}  // namespace

bool ConnectionTable::MakeRoom(const Peer& peer, SteadyTime now) {
  const auto open = std::count_if(entries_.begin(), entries_.end(), IsOpen);
  const auto of_peer = std::count_if(
      entries_.begin(), entries_.end(),
      [&](const Entry& entry) { return IsOpen(entry) && entry.peer == peer; });
  if (static_cast<size_t>(of_peer) >= max_per_peer_) {
    return CloseForRoom(&peer, now);
  }
  return static_cast<size_t>(open) < max_connections_ ||
         CloseForRoom(nullptr, now);
}

bool ConnectionTable::CloseIdlest(SteadyTime now) {
  return CloseForRoom(nullptr, now);
}

void ConnectionTable::MakeRoomForAnswer(size_t bytes, size_t max_bytes,
                                        SteadyTime now) {
  while (true) {
    size_t held = 0;
    HttpConnection* slowest = nullptr;
    for (const Entry& entry : entries_) {
      HttpConnection* const each = entry.connection.get();
      if (each->state() != HttpConnection::State::kWriting) continue;
      held += each->answer_bytes();
      if (slowest == nullptr || each->since() < slowest->since()) {
        slowest = each;
      }
    }
    if (slowest == nullptr || held + bytes <= max_bytes) return;
    slowest->Close(now);
    ++closed_for_room_;
  }
}

HttpConnection* ConnectionTable::Add(
    const Peer& peer, std::unique_ptr<HttpConnection> connection) {
  entries_.push_back({peer, std::move(connection)});
  return entries_.back().connection.get();
}

HttpConnection* ConnectionTable::Find(uint64_t id) {
  const auto found = std::lower_bound(entries_.begin(), entries_.end(), id,
                                      [](const Entry& entry, uint64_t key) {
                                        return entry.connection->id() < key;
                                      });
  if (found == entries_.end() || found->connection->id() != id ||
      !IsOpen(*found)) {
    return nullptr;
  }
  return found->connection.get();
}

void ConnectionTable::Sweep() {
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                [](const Entry& e) { return !IsOpen(e); }),
                 entries_.end());
}

HttpConnection* ConnectionTable::Idlest(const Peer* peer,
                                        SteadyTime now) const {
  HttpConnection* idlest = nullptr;
  for (const Entry& entry : entries_) {
    HttpConnection* const each = entry.connection.get();
    if ((!each->is_idle() && !each->is_slow(now) && !each->is_hung_up()) ||
        (peer != nullptr && !(entry.peer == *peer))) {
      continue;
    }
    // Idle ones first, the longest of them.
    if (idlest == nullptr || each->is_idle() > idlest->is_idle() ||
        (each->is_idle() == idlest->is_idle() &&
         each->since() < idlest->since())) {
      idlest = each;
    }
  }
  return idlest;
}

bool ConnectionTable::CloseForRoom(const Peer* peer, SteadyTime now) {
  HttpConnection* const idlest = Idlest(peer, now);
  if (idlest == nullptr) return false;
  idlest->Close(now);
  ++closed_for_room_;
  return true;
}

}  // namespace poolscope

// ConnectionTable: the connections of one server, bounded in all and for each
// peer.
//
// At a bound the connection goes that has waited longest without a whole
// request, of the same peer where it is the peer's bound: a flood of silent
// ones pushes itself out, and who speaks at once is heard. Where all have one,
// that goes whose answer is under way longest, if it is for longer than the
// timeout, or whose client has hung up while it is served; else the new one is
// refused.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_EXPORTER_CONNECTION_TABLE_H_
#define POOLSCOPE_EXPORTER_CONNECTION_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "poolscope/exporter/http_connection.h"
#include "poolscope/exporter/http_exchange.h"
#include "poolscope/exporter/listening_socket.h"

namespace poolscope {

class ConnectionTable {
 public:
  struct Entry {
    Peer peer;
    std::unique_ptr<HttpConnection> connection;
  };

  ConnectionTable(size_t max_connections, size_t max_per_peer)
      : max_connections_(max_connections), max_per_peer_(max_per_peer) {}

  // Closes what must go for one more from `peer`; false when nothing can.
  [[nodiscard]] bool MakeRoom(const Peer& peer, SteadyTime now);
  // Closes the one that is to go first, of any peer; false when none is.
  bool CloseIdlest(SteadyTime now);
  // Closes the answers that are under way longest, until one of `bytes` fits
  // into `max_bytes` with the others, or is the only one.
  void MakeRoomForAnswer(size_t bytes, size_t max_bytes, SteadyTime now);

  // Ids grow.
  HttpConnection* Add(const Peer& peer,
                      std::unique_ptr<HttpConnection> connection);
  // Null when it is gone.
  HttpConnection* Find(uint64_t id);
  // Forgets the closed; pointers to them end here.
  void Sweep();

  // Ascending by their ids, and with those closed since the last Sweep().
  const std::vector<Entry>& entries() const { return entries_; }
  uint64_t closed_for_room() const { return closed_for_room_; }

 private:
  // The one to go first, of `peer`, or of any where that is null.
  HttpConnection* Idlest(const Peer* peer, SteadyTime now) const;
  bool CloseForRoom(const Peer* peer, SteadyTime now);

  const size_t max_connections_;
  const size_t max_per_peer_;
  std::vector<Entry> entries_;
  uint64_t closed_for_room_ = 0;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_CONNECTION_TABLE_H_

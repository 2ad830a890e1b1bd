// SocketPair: two connected ends of a stream on this machine, neither of which
// blocks, with small buffers so that they fill soon.
//
//   SocketPair pair = SocketPair::Tcp();
//   FdSink sink(pair.near());
//   ...
//   std::string bytes = pair.Read(1000);   // what has come to the far end
//
// Thread-compatible. Closes what is open.
#ifndef POOLSCOPE_TESTS_ALLOCATOR_OUTBOUND_SOCKET_PAIR_H_
#define POOLSCOPE_TESTS_ALLOCATOR_OUTBOUND_SOCKET_PAIR_H_

#include <cstddef>
#include <string>

namespace poolscope {

class SocketPair {
 public:
  static SocketPair Tcp();  // over the loopback interface
  static SocketPair Unix();
  static SocketPair Pipe();  // no socket: what is near writes, the far reads

  SocketPair(SocketPair&& other) noexcept;
  ~SocketPair();

  int near() const { return near_; }
  int far() const { return far_; }

  // The near end takes bytes, or the far end has some or its end; fails the
  // test when that does not come about.
  void AwaitNearWritable() const;
  void AwaitFarReadable() const;
  // The near end knows that the far one is gone.
  void AwaitNearError() const;

  // At most `size` of the bytes that have come.
  std::string Read(size_t size) const;
  // All that is yet to come; the near end must be closed.
  std::string ReadUntilEnd() const;

  void CloseNear();
  void CloseFar();
  // The far end of a TCP connection resets it.
  void ResetFar();

 private:
  SocketPair(int near, int far) : near_(near), far_(far) {}

  int near_;
  int far_;
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_ALLOCATOR_OUTBOUND_SOCKET_PAIR_H_

// ExampleService: one of the programs in examples/, its traffic and its
// metrics.
//
//   ExampleService service("examples/epoll_server");
//   TcpClient peer(service.port());
//   ...
//   EXPECT_EQ(service.Scrape().Value("...", {}), "1");
//   EXPECT_EQ(service.End(SIGTERM), 0) << service.errors();
//
// Thread-compatible.
#ifndef POOLSCOPE_TESTS_EXAMPLES_EXAMPLE_SERVICE_H_
#define POOLSCOPE_TESTS_EXAMPLES_EXAMPLE_SERVICE_H_

#include <cstddef>
#include <functional>
#include <string>

#include "poolscope/tests/examples/subprocess.h"
#include "poolscope/tests/metrics/exposition.h"

namespace poolscope {

class ExampleService {
 public:
  // Starts it, and waits for the two lines that say where it serves and where
  // its metrics are.
  explicit ExampleService(const std::string& program);

  int port() const { return port_; }
  int metrics_port() const { return metrics_port_; }

  // A failed test, and nothing, unless the scrape can be read and the
  // identities hold.
  Exposition Scrape() const;
  // Scrapes until one is as it is to be; a failed test after 20 s.
  void AwaitScrape(const std::function<bool(const Exposition&)>& good) const;

  // Its exit status after `signal`; it must have printed nothing more.
  int End(int signal);
  const std::string& errors() const { return process_.errors(); }

 private:
  Subprocess process_;
  int port_ = 0;
  int metrics_port_ = 0;
};

// A connection to 127.0.0.1. Each call gives up after 20 s.
class TcpClient {
 public:
  explicit TcpClient(int port);
  ~TcpClient();
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;

  bool Send(const std::string& bytes);
  // As many of `bytes` as go without waiting.
  size_t SendSome(const std::string& bytes);
  // The next `size` bytes, fewer at the end of the connection.
  std::string Receive(size_t size);
  // Sends no more, and goes on reading.
  void FinishSending();

 private:
  int socket_ = -1;
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_EXAMPLES_EXAMPLE_SERVICE_H_

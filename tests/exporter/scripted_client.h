// A client for tests of connections: what it has sent, how much it takes, and
// what it was sent, without a socket between.
#ifndef POOLSCOPE_TESTS_EXPORTER_SCRIPTED_CLIENT_H_
#define POOLSCOPE_TESTS_EXPORTER_SCRIPTED_CLIENT_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/http_service.h"
#include "poolscope/exporter/transport.h"

namespace poolscope {

struct ScriptedClient {
  std::string sent;
  bool ended = false;
  size_t takes = 1 << 30;
  std::string received;
  IoStatus handshake = IoStatus::kDone;
  bool told_of_end = false;
};

class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(ScriptedClient* client) : client_(client) {}

  IoStatus Handshake() override { return client_->handshake; }
  IoResult Read(char* into, size_t size) override {
    std::string& sent = client_->sent;
    if (sent.empty()) {
      return {client_->ended ? IoStatus::kEnded : IoStatus::kWantsToRead};
    }
    size = std::min(size, sent.size());
    std::memcpy(into, sent.data(), size);
    sent.erase(0, size);
    return {IoStatus::kDone, size};
  }
  IoResult Write(absl::string_view bytes) override {
    const size_t size = std::min(bytes.size(), client_->takes);
    if (size == 0) return {IoStatus::kWantsToWrite};
    client_->takes -= size;
    client_->received.append(bytes.data(), size);
    return {IoStatus::kDone, size};
  }
  void ShutDown() override { client_->told_of_end = true; }

 private:
  ScriptedClient* const client_;
};

class CountingService : public HttpService {
 public:
  HttpResponse Serve(const HttpRequest&) override { return {}; }
  void Served(absl::string_view, int status, absl::Duration time) override {
    statuses.push_back(status);
    took = time;
  }
  std::vector<int> statuses;
  absl::Duration took;  // the last of them
};

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_EXPORTER_SCRIPTED_CLIENT_H_

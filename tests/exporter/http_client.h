// A small HTTP client over plain sockets: it sends exactly the bytes given, and
// shows exactly what comes back.
#ifndef POOLSCOPE_TESTS_EXPORTER_HTTP_CLIENT_H_
#define POOLSCOPE_TESTS_EXPORTER_HTTP_CLIENT_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace poolscope {

struct HttpReply {
  int status = 0;      // 0: the connection ended before an answer
  std::string reason;  // "OK"
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

class HttpClient {
 public:
  // Connects to 127.0.0.1, or to ::1. Reads give up after 20 s.
  explicit HttpClient(int port, bool ipv6 = false);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  bool connected() const { return socket_ >= 0; }

  void Send(absl::string_view bytes);
  // Sends nothing any more, and tells the server so; answers still come.
  void FinishSending();
  // The next answer. `has_body` is false for the answer to a HEAD.
  HttpReply Receive(bool has_body = true);
  // Whether something comes within this time, or the end.
  bool AnswersWithin(absl::Duration time) const;
  // True when the server has closed the connection and nothing is left to read;
  // false too when nothing came for 20 s.
  bool AtEnd();

  // Sends a request line with a Host header and `headers` ("Name: x\r\n").
  HttpReply Request(absl::string_view method, absl::string_view target,
                    absl::string_view headers = "");

 private:
  bool Fill();

  int socket_ = -1;
  std::string unread_;
};

// One request on a connection of its own.
HttpReply Get(int port, absl::string_view target,
              absl::string_view headers = "");

}  // namespace poolscope

#endif  // POOLSCOPE_TESTS_EXPORTER_HTTP_CLIENT_H_

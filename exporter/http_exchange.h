// HttpExchange: a request on its way through the server, and the answer to it.
//
//   I/O thread: parses --RequestQueue--> worker: serves --> I/O thread: sends
//
// One thread has it at a time, and hands it on under a mutex. It does not move
// while it is served: the request borrows from `head`.
//
// Thread safety: thread-compatible.
#ifndef POOLSCOPE_EXPORTER_HTTP_EXCHANGE_H_
#define POOLSCOPE_EXPORTER_HTTP_EXCHANGE_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/http_parser.h"

namespace poolscope {

using SteadyTime = std::chrono::steady_clock::time_point;

struct HttpExchange {
  uint64_t connection = 0;  // which may be gone by the time of the answer
  std::string head;
  ParsedHead parsed;
  SteadyTime received;
  HttpResponse response;
};

}  // namespace poolscope

#endif  // POOLSCOPE_EXPORTER_HTTP_EXCHANGE_H_

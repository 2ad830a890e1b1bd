#include "poolscope/exporter/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "civetweb.h"
#include "poolscope/allocator/base/mutex.h"
#include "poolscope/exporter/http_message.h"
#include "poolscope/exporter/response_head.h"
#include "poolscope/exporter/signal_blocker.h"
#include "poolscope/exporter/start_thread.h"

namespace poolscope {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Bytes of the request line and the headers, as they were sent.
size_t SizeOf(const HttpRequest& request) {
  size_t size = sizeof("  HTTP/1.1\r\n\r\n") - 1 + request.method.size() +
                request.path.size();
  if (!request.query.empty()) size += 1 + request.query.size();
  for (const HttpHeader& header : request.headers) {
    size += header.name.size() + header.value.size() + sizeof(": \r\n") - 1;
  }
  return size;
}

// The rule civetweb follows too: what the client says, else its version.
bool WantsKeepAlive(const mg_request_info& info, const HttpRequest& request) {
  const absl::string_view connection = request.Header("Connection");
  if (!connection.empty()) {
    for (absl::string_view option : absl::StrSplit(connection, ',')) {
      if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(option),
                                 "keep-alive")) {
        return true;
      }
    }
    return false;
  }
  return info.http_version != nullptr &&
         absl::string_view(info.http_version) == "1.1";
}

// Sends `response`; the head and a short body in one write.
void Send(mg_connection* connection, const HttpResponse& response,
          bool keep_alive, bool with_body) {
  std::string head = ResponseHead(response, keep_alive, absl::Now());
  constexpr size_t kOneWrite = 4096;
  absl::string_view rest = with_body ? response.body : absl::string_view();
  if (rest.size() <= kOneWrite) {
    absl::StrAppend(&head, rest);
    rest = "";
  }
  const auto write = [connection](absl::string_view text) {
    return mg_write(connection, text.data(), text.size()) ==
           static_cast<int>(text.size());
  };
  // The client has gone, or does not read; each of its further requests would
  // hold the thread for another timeout.
  if (!write(head) || (!rest.empty() && !write(rest))) {
    mg_disable_connection_keep_alive(connection);
  }
}

// Whether a body is announced. It is not read, and no length is trusted: where
// two parties measure it differently, what one takes for a body is a request
// to the other.
bool AnnouncesBody(const HttpRequest& request) {
  return std::any_of(
      request.headers.begin(), request.headers.end(),
      [](const HttpHeader& header) {
        return absl::EqualsIgnoreCase(header.name, "Content-Length") ||
               absl::EqualsIgnoreCase(header.name, "Transfer-Encoding");
      });
}

// An address as the system takes it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  explicit SocketAddress(const ListenAddress& address) {
    if (address.ipv6) {
      auto* ip = reinterpret_cast<sockaddr_in6*>(&storage);
      ip->sin6_family = AF_INET6;
      ip->sin6_port = htons(address.port);
      inet_pton(AF_INET6, address.host.c_str(), &ip->sin6_addr);
      length = sizeof(*ip);
    } else {
      auto* ip = reinterpret_cast<sockaddr_in*>(&storage);
      ip->sin_family = AF_INET;
      ip->sin_port = htons(address.port);
      inet_pton(AF_INET, address.host.c_str(), &ip->sin_addr);
      length = sizeof(*ip);
    }
  }
  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  int NewSocket(int flags = 0) const {
    return socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  }
};

// Why `address` cannot be listened on, as the system says it; empty when it can
// be.
std::string ListenProblem(const ListenAddress& address) {
  const SocketAddress where(address);
  const int probe = where.NewSocket();
  if (probe < 0) return std::strerror(errno);
  const int on = 1;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  std::string problem;
  if (bind(probe, where.get(), where.length) != 0 || listen(probe, 1) != 0) {
    problem = std::strerror(errno);
  }
  close(probe);
  return problem;
}

// Connects, without waiting for an answer, and closes again; false when nobody
// listens there any more.
bool Knock(const ListenAddress& address) {
  const SocketAddress where(address);
  const int knock = where.NewSocket(SOCK_NONBLOCK);
  if (knock < 0) return false;
  const bool listening =
      connect(knock, where.get(), where.length) == 0 || errno == EINPROGRESS;
  close(knock);
  return listening;
}

}  // namespace

struct HttpServer::Impl {
  HttpService* service = nullptr;
  size_t max_request_bytes = 0;
  mg_context* context = nullptr;
  ListenAddress address;  // with the port listened on

  // What the service does on SIGPIPE; civetweb's threads each switch it off.
  struct sigaction on_sigpipe;
  std::atomic<int> threads_started{0};

  // A connection is open from when a thread takes it until it is closed.
  std::atomic<int> open_connections{0};
  // With more open than this, each is closed after its answer.
  int max_kept_alive = 0;

  // civetweb's last words; any of its threads may speak.
  Mutex log_mutex;
  std::string log ABSL_GUARDED_BY(log_mutex);

  static Impl* Of(const mg_connection* connection) {
    return static_cast<Impl*>(mg_get_user_context_data(connection));
  }

  // civetweb's callback for every well-formed request; answers all of them.
  static int OnRequest(mg_connection* connection);
  // For those that are not well-formed, too large or too slow.
  static int OnError(mg_connection* connection, int status, const char* text);
  static int OnOpen(const mg_connection* connection, void** data);
  static void OnClosed(const mg_connection* connection);
  static int OnLog(const mg_connection* connection, const char* text);
  // On each of civetweb's threads, once it has ignored SIGPIPE.
  static void* OnThreadStart(const mg_context* context, int type);
};

void* HttpServer::Impl::OnThreadStart(const mg_context* context, int) {
  auto* const server = static_cast<Impl*>(mg_get_user_data(context));
  sigaction(SIGPIPE, &server->on_sigpipe, nullptr);
  ++server->threads_started;
  return nullptr;
}

int HttpServer::Impl::OnRequest(mg_connection* connection) {
  const SteadyClock::time_point start = SteadyClock::now();
  const mg_request_info& info = *mg_get_request_info(connection);
  HttpRequest request;
  request.method = info.request_method;
  const char* path =
      info.local_uri_raw != nullptr ? info.local_uri_raw : info.request_uri;
  if (path != nullptr) request.path = path;
  if (info.query_string != nullptr) request.query = info.query_string;
  request.headers.reserve(info.num_headers);
  for (int i = 0; i < info.num_headers; ++i) {
    request.headers.push_back(
        {info.http_headers[i].name, info.http_headers[i].value});
  }
  Impl* const server = Of(connection);
  const bool too_large = SizeOf(request) > server->max_request_bytes;
  const HttpResponse response =
      too_large
          ? LineResponse(431, absl::StrCat("request line and headers may have ",
                                           server->max_request_bytes, " bytes"))
          : server->service->Serve(request);

  const bool keep_alive = !too_large && !AnnouncesBody(request) &&
                          server->open_connections <= server->max_kept_alive &&
                          WantsKeepAlive(info, request);
  if (!keep_alive) mg_disable_connection_keep_alive(connection);
  Send(connection, response, keep_alive, request.method != "HEAD");
  server->service->Served(response.handler, response.status,
                          absl::FromChrono(SteadyClock::now() - start));
  return response.status;
}

int HttpServer::Impl::OnError(mg_connection* connection, int status,
                              const char* text) {
  // Too large for civetweb's buffer looks the same as malformed here.
  mg_disable_connection_keep_alive(connection);
  Send(connection, LineResponse(status, text == nullptr ? "refused" : text),
       /*keep_alive=*/false, /*with_body=*/true);
  Of(connection)->service->Served("", status, absl::ZeroDuration());
  return 0;
}

int HttpServer::Impl::OnOpen(const mg_connection* connection, void**) {
  ++Of(connection)->open_connections;
  return 0;
}

void HttpServer::Impl::OnClosed(const mg_connection* connection) {
  --Of(connection)->open_connections;
}

int HttpServer::Impl::OnLog(const mg_connection* connection, const char* text) {
  Impl* const server = Of(connection);
  MutexLock lock(&server->log_mutex);
  server->log = text;
  return 1;
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(
    const HttpServerOptions& options, HttpService* service) {
  static std::once_flag once;
  std::call_once(once, [] { mg_init_library(0); });

  const std::string address = options.address.ToString();
  if (options.address.ipv6 && mg_check_feature(MG_FEATURES_IPV6) == 0) {
    return absl::UnimplementedError(
        absl::StrCat("cannot listen on ", address,
                     ": the civetweb library of this system is built without "
                     "IPv6; use 127.0.0.1"));
  }
  const std::string timeout =
      absl::StrCat(absl::ToInt64Milliseconds(options.request_timeout));
  const std::pair<const char*, std::string> settings[] = {
      {"listening_ports", address},
      {"num_threads", absl::StrCat(options.threads)},
      {"request_timeout_ms", timeout},
      {"keep_alive_timeout_ms", timeout},
      // civetweb answers 400 to what does not fit its buffer; what fits, but is
      // larger than allowed, gets 431 from us.
      {"max_request_size", absl::StrCat(4 * options.max_request_bytes)},
      {"enable_keep_alive", "yes"},
      {"tcp_nodelay", "1"},
      {"decode_url", "no"},
      // Otherwise "GET http://host/path" is answered for civetweb's own domain
      // name only, and for any other by nothing at all.
      {"enable_auth_domain_check", "no"},
      {"enable_directory_listing", "no"},
      {"index_files", ""},
  };
  std::vector<const char*> flat_settings;
  for (const auto& [name, value] : settings) {
    flat_settings.push_back(name);
    flat_settings.push_back(value.c_str());
  }
  flat_settings.push_back(nullptr);
  mg_callbacks callbacks{};
  callbacks.begin_request = &Impl::OnRequest;
  callbacks.http_error = &Impl::OnError;
  callbacks.init_connection = &Impl::OnOpen;
  callbacks.connection_closed = &Impl::OnClosed;
  callbacks.log_message = &Impl::OnLog;
  callbacks.init_thread = &Impl::OnThreadStart;

  auto impl = std::make_unique<Impl>();
  impl->service = service;
  impl->max_request_bytes = options.max_request_bytes;
  impl->max_kept_alive = options.threads / 2;
  impl->address = options.address;
  sigaction(SIGPIPE, nullptr, &impl->on_sigpipe);
  mg_context* context = nullptr;
  {
    const SignalBlocker blocker;
    // Where its first threads are refused, mg_start() frees what others use.
    const absl::Status enough = CheckThreads(options.threads + 1);
    if (!enough.ok()) return enough;
    context = mg_start(&callbacks, impl.get(), flat_settings.data());
    // mg_start() ignores SIGPIPE for the whole process, and so does each of its
    // threads later. That is the service's to decide; these threads have the
    // signal blocked anyway.
    sigaction(SIGPIPE, &impl->on_sigpipe, nullptr);
  }
  if (context == nullptr) {
    std::string problem = ListenProblem(options.address);
    if (problem.empty()) {
      MutexLock lock(&impl->log_mutex);
      problem = impl->log;
    }
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": ", problem,
                     "; choose another address, or port 0 for any free one"));
  }
  impl->context = context;
  // The last of its threads to begin has put SIGPIPE back; a second is for the
  // case that the system gave fewer threads than asked for.
  const SteadyClock::time_point start = SteadyClock::now();
  while (impl->threads_started < options.threads + 1 &&
         SteadyClock::now() - start < std::chrono::seconds(1)) {
    std::this_thread::yield();
  }
  mg_server_port ports[1] = {};
  if (mg_get_server_ports(context, 1, ports) == 1) {
    impl->address.port = static_cast<uint16_t>(ports[0].port);
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() {
  // civetweb looks at its stop flag when a connection comes, or every two
  // seconds: knock until it has closed the port.
  std::atomic<bool> stopped = false;
  const SignalBlocker blocker;
  absl::StatusOr<std::thread> stopper = StartThread([&] {
    mg_stop(impl_->context);
    stopped = true;
  });
  if (!stopper.ok()) {
    mg_stop(impl_->context);  // slower, but it needs no thread
    return;
  }
  while (!stopped && Knock(impl_->address)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  stopper->join();
}

int HttpServer::port() const { return impl_->address.port; }

}  // namespace poolscope

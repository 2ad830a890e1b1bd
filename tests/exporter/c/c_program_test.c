/* A service in C: the header is C, and what it says holds from there. */
#include <arpa/inet.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "poolscope/exporter/c/poolscope.h"

static int failures = 0;

static void Check(int holds, const char* what, int line) {
  if (holds) return;
  ++failures;
  fprintf(stderr, "line %d: %s; last error: %s\n", line, what,
          poolscope_last_error());
}
#define CHECK(condition) Check((condition) != 0, #condition, __LINE__)

/* The answer to GET `path`; the caller frees it. */
static char* Get(int port, const char* path) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(fd, (struct sockaddr*)&address, sizeof(address)) == 0);
  char request[256];
  const int length =
      snprintf(request, sizeof(request),
               "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
  CHECK(write(fd, request, (size_t)length) == length);
  size_t size = 0;
  size_t room = 1 << 20;
  char* answer = malloc(room);
  ssize_t got;
  while ((got = read(fd, answer + size, room - size - 1)) > 0) {
    size += (size_t)got;
    if (size + 1 == room) answer = realloc(answer, room *= 2);
  }
  answer[size] = '\0';
  close(fd);
  return answer;
}

static int Shows(int port, const char* path, const char* text) {
  char* answer = Get(port, path);
  const int shown = strstr(answer, text) != NULL;
  if (!shown) fprintf(stderr, "%s has no \"%s\"\n", path, text);
  free(answer);
  return shown;
}

static void TestMemory(poolscope_allocator* pool) {
  void* payload = poolscope_allocate(pool, 14336);
  CHECK(payload != NULL);
  CHECK(poolscope_usable_size(payload) >= 14336);
  memset(payload, 1, 14336);
  void* aligned = poolscope_allocate_aligned(pool, 100, 4096);
  CHECK((uintptr_t)aligned % 4096 == 0);

  poolscope_allocator_stats stats = POOLSCOPE_ALLOCATOR_STATS_INIT;
  CHECK(poolscope_allocator_read_stats(pool, &stats) == 0);
  CHECK(stats.limit_bytes == 64 << 20);
  CHECK(stats.pinned_bytes >= 14336 + 100);
  CHECK(stats.allocations - stats.deallocations == 2);

  CHECK(poolscope_allocate(pool, 128 << 20) == NULL);
  CHECK(strstr(poolscope_last_error(), "134217728") != NULL);
  CHECK(poolscope_allocate_aligned(pool, 1, 3) == NULL);
  CHECK(strstr(poolscope_last_error(), "alignment") != NULL);

  poolscope_free(payload);
  poolscope_free(aligned);
  poolscope_free(NULL);
  poolscope_mark_thread_idle();
  poolscope_maintain(pool);
  CHECK(poolscope_trim(pool) > 0);
  CHECK(poolscope_allocator_read_stats(pool, &stats) == 0);
  CHECK(stats.pinned_bytes == 0);
  CHECK(stats.refused_at_limit == 1);
}

static void TestChannel(poolscope_sidecar* sidecar) {
  const int port = poolscope_sidecar_port(sidecar);
  poolscope_channels* channels = poolscope_channels_create();
  CHECK(poolscope_sidecar_register_channels(sidecar, channels) == 0);
  CHECK(poolscope_channel_open(channels, "no group", NULL, NULL) == NULL);
  poolscope_channel* channel =
      poolscope_channel_open(channels, "clients", "conn-7", "10.0.0.9:4711");
  CHECK(channel != NULL);
  CHECK(poolscope_channel_queued(channel, 1000) == 0);
  CHECK(poolscope_channel_queued(channel, 0) == 0);
  CHECK(poolscope_channel_queued(channel, 500) == 0);
  CHECK(poolscope_channel_written(channel, 1501) == -1);
  CHECK(poolscope_channel_written(channel, 1200) == 0);
  CHECK(poolscope_channel_pending_bytes(channel) == 300);
  poolscope_channel_set_writable(channel, 0);
  CHECK(Shows(port, "/metrics",
              "poolscope_outbound_watermark_transitions_total{"
              "group=\"clients\",direction=\"unwritable\"} 1\n"));
  CHECK(Shows(port, "/metrics",
              "poolscope_outbound_pending_bytes{group=\"clients\"} 300\n"));
  CHECK(Shows(port, "/metrics",
              "poolscope_outbound_pending_messages{group=\"clients\"} 1\n"));
  CHECK(Shows(port, "/debug/channels", "10.0.0.9:4711"));
  poolscope_channel_failed(channel);
  CHECK(poolscope_channel_pending_bytes(channel) == 0);
  CHECK(poolscope_channel_queued(channel, 7) == 0);
  poolscope_channel_close(channel);
  CHECK(Shows(port, "/metrics",
              "poolscope_outbound_pending_bytes{group=\"clients\"} 0\n"));
  poolscope_sidecar_unregister_channels(sidecar, channels);
  poolscope_channels_destroy(channels);
}

static void TestCategory(poolscope_sidecar* sidecar) {
  CHECK(poolscope_category_register("x") == NULL);
  CHECK(poolscope_category_register(NULL) == NULL);
  poolscope_category* routes = poolscope_category_register("Route Table");
  CHECK(routes != NULL);
  void* table = malloc(1 << 20);
  memset(table, 1, 1 << 20);
  poolscope_category_record_malloc(routes, malloc_usable_size(table));
  CHECK(Shows(poolscope_sidecar_port(sidecar), "/debug/memory",
              "Route Table (reserved=10"));
  poolscope_category_record_free(routes, malloc_usable_size(table));
  free(table);
  char* mapping = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(mapping != MAP_FAILED);
  CHECK(mprotect(mapping, 32 << 20, PROT_NONE) == 0);
  poolscope_category_record_reserve(routes, 64 << 20);
  poolscope_category_record_commit(routes, 32 << 20);
  poolscope_category_record_uncommit(routes, 8 << 20);
  poolscope_category_record_release(routes, 16 << 20);
  CHECK(Shows(poolscope_sidecar_port(sidecar), "/debug/memory",
              "Route Table (reserved=49152KB, committed=24576KB)"));
  munmap(mapping, 64 << 20);
}

int main(void) {
  CHECK(strcmp(poolscope_last_error(), "") == 0);
  CHECK(strlen(poolscope_version()) >= 5);

  poolscope_allocator_options options = POOLSCOPE_ALLOCATOR_OPTIONS_INIT;
  options.name = "c-service";
  options.max_direct_memory_bytes = 64 << 20;
  options.arenas = 7;
  options.leak_detection = "sometimes";
  CHECK(poolscope_allocator_create(&options) == NULL);
  CHECK(strstr(poolscope_last_error(), "sometimes") != NULL);
  options.leak_detection = "disabled";
  poolscope_allocator* pool = poolscope_allocator_create(&options);
  CHECK(pool != NULL);

  poolscope_sidecar_options listen = POOLSCOPE_SIDECAR_OPTIONS_INIT;
  listen.listen_address = "127.0.0.1:0";
  poolscope_sidecar* sidecar = poolscope_sidecar_start(&listen);
  CHECK(sidecar != NULL);
  if (pool == NULL || sidecar == NULL) return 1;
  listen.listen_address = "0.0.0.0:0";
  CHECK(poolscope_sidecar_start(&listen) == NULL);

  CHECK(poolscope_sidecar_register_allocator(sidecar, pool) == 0);
  CHECK(poolscope_sidecar_register_allocator(sidecar, pool) == -1);
  CHECK(strncmp(poolscope_sidecar_url(sidecar), "http://127.0.0.1:", 17) == 0);
  CHECK(Shows(poolscope_sidecar_port(sidecar), "/metrics",
              "poolscope_direct_memory_limit_bytes{allocator=\"c-service\"} "
              "67108864\n"));
  CHECK(Shows(poolscope_sidecar_port(sidecar), "/metrics",
              "poolscope_arena_pinned_bytes{allocator=\"c-service\","
              "arena=\"6\"} 0\n"));
  CHECK(Shows(poolscope_sidecar_port(sidecar), "/metrics",
              "poolscope_leak_detection_level{allocator=\"c-service\","
              "level=\"disabled\"} 1\n"));
  TestMemory(pool);
  TestChannel(sidecar);
  TestCategory(sidecar);
  poolscope_sidecar_unregister_allocator(sidecar, pool);

  poolscope_sidecar_stop(sidecar);
  poolscope_allocator_destroy(pool);
  if (failures == 0) printf("all checks hold\n");
  return failures == 0 ? 0 : 1;
}

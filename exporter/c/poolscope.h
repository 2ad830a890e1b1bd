/* poolscope.h: poolscope for C, and for every language that calls C.
 *
 *   poolscope_allocator* pool = poolscope_allocator_create(NULL);
 *   poolscope_sidecar* sidecar = poolscope_sidecar_start(NULL);
 *   if (pool == NULL || sidecar == NULL ||
 *       poolscope_sidecar_register_allocator(sidecar, pool) != 0) {
 *     fprintf(stderr, "%s\n", poolscope_last_error());
 *     return 1;
 *   }
 *   void* payload = poolscope_allocate(pool, 14336);
 *   ...
 *   poolscope_free(payload);             // on any thread
 *   poolscope_sidecar_stop(sidecar);     // first who shows, then what is shown
 *   poolscope_allocator_destroy(pool);
 *
 * Errors: what makes something returns null, what does something returns -1,
 * and poolscope_last_error() says why in one line. Misuse of memory (a pointer
 * that no allocator handed out, a double free that is noticed) ends the process
 * with a message that names the block, as in C++.
 *
 * Options and figures are structs with a size: begin with POOLSCOPE_..._INIT,
 * which sets it, and a program built against an older header goes on working
 * with a newer library. Text is UTF-8, ends with a zero byte, and is copied.
 *
 * Thread safety: thread-safe, but for what destroys, closes or stops, which
 * must not run beside another call on the same object, and for a channel, which
 * belongs to one thread at a time.
 */
#ifndef POOLSCOPE_EXPORTER_C_POOLSCOPE_H_
#define POOLSCOPE_EXPORTER_C_POOLSCOPE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POOLSCOPE_API __attribute__((visibility("default")))

/* "0.1.0" */
POOLSCOPE_API const char* poolscope_version(void);

/* About the calling thread's last call that failed, "" when none has; valid
 * until its next one that fails. */
POOLSCOPE_API const char* poolscope_last_error(void);

/* --- Memory ----------------------------------------------------------------
 */

typedef struct poolscope_allocator poolscope_allocator;

typedef struct poolscope_allocator_options {
  size_t struct_bytes;
  /* The label `allocator`: 1 to 64 of [A-Za-z0-9_.:-]. NULL: "default". */
  const char* name;
  /* Of chunks and huge blocks together. 0: half of the container's memory
   * limit, or of the machine's memory. */
  size_t max_direct_memory_bytes;
  /* 0: by the number of cores. */
  int arenas;
  /* "disabled", "simple", "advanced" or "paranoid". NULL: as the environment
   * variable POOLSCOPE_LEAK_DETECTION says, else "simple". */
  const char* leak_detection;
} poolscope_allocator_options;

#define POOLSCOPE_ALLOCATOR_OPTIONS_INIT \
  { sizeof(poolscope_allocator_options), NULL, 0, 0, NULL }

/* With the defaults where `options` is null. */
POOLSCOPE_API poolscope_allocator* poolscope_allocator_create(
    const poolscope_allocator_options* options);
/* Blocks in use stay valid until they are freed. */
POOLSCOPE_API void poolscope_allocator_destroy(poolscope_allocator* allocator);

/* At least `size` bytes, aligned to 16, or to `alignment`, a power of two up to
 * the chunk size (4 MiB). Null at the limit, or when the system refuses memory;
 * poolscope_last_error() says which, and how much is used. */
POOLSCOPE_API void* poolscope_allocate(poolscope_allocator* allocator,
                                       size_t size);
POOLSCOPE_API void* poolscope_allocate_aligned(poolscope_allocator* allocator,
                                               size_t size, size_t alignment);
/* A block of any allocator, on any thread; null is ignored. */
POOLSCOPE_API void poolscope_free(void* block);
/* Bytes usable at `block`, at least those asked for. */
POOLSCOPE_API size_t poolscope_usable_size(const void* block);

/* The calling thread is about to wait; its caches may be emptied until its next
 * request. Tens of nanoseconds; for event loops. */
POOLSCOPE_API void poolscope_mark_thread_idle(void);
/* Gives back what is not in use; returns its bytes, 0 where memory ended. */
POOLSCOPE_API uint64_t poolscope_trim(poolscope_allocator* allocator);
/* Time-driven work, about once a second; a sidecar does it by itself. */
POOLSCOPE_API void poolscope_maintain(poolscope_allocator* allocator);

/* One snapshot; bytes, and counts since the beginning. */
typedef struct poolscope_allocator_stats {
  size_t struct_bytes;
  uint64_t used_bytes; /* chunks and huge blocks mapped */
  uint64_t limit_bytes;
  uint64_t peak_bytes;
  uint64_t pinned_bytes; /* blocks in the users' hands, huge ones included */
  uint64_t cached_bytes; /* blocks in thread caches */
  uint64_t metadata_bytes;
  uint64_t allocations;
  uint64_t deallocations;
  uint64_t thread_cache_hits;
  uint64_t thread_cache_misses;
  uint64_t refused_at_limit;
  uint64_t refused_by_system;
} poolscope_allocator_stats;

#define POOLSCOPE_ALLOCATOR_STATS_INIT \
  { sizeof(poolscope_allocator_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/* Fills in what fits `stats->struct_bytes`. */
POOLSCOPE_API int poolscope_allocator_read_stats(
    const poolscope_allocator* allocator, poolscope_allocator_stats* stats);

/* --- The server that shows it ----------------------------------------------
 */

typedef struct poolscope_sidecar poolscope_sidecar;

typedef struct poolscope_sidecar_options {
  size_t struct_bytes;
  /* "ADDRESS:PORT"; port 0 picks a free one. NULL: "127.0.0.1:9464". */
  const char* listen_address;
  /* Not 0: an address that is not loopback is accepted though figures and
   * passwords are not encrypted. */
  int allow_remote;
  /* Users and bcrypt hashes, by role: who may ask for what. NULL: everybody for
   * everything. */
  const char* users_file;
  /* Names that the server goes by, with commas between them, beside its
   * addresses and "localhost". NULL or "": none. */
  const char* hosts;
  /* "ADDRESS:PORT" of a listener that has /healthz and /-/ready alone. NULL:
   * none. */
  const char* health_listen;
  /* PEM files: with them the pages are served by https, and with authorities
   * of clients too, who shows no certificate of theirs is turned away. They are
   * read again when they change, and standard error says so. NULL: none. */
  const char* tls_cert_file;
  const char* tls_key_file;
  const char* tls_client_ca_file;
} poolscope_sidecar_options;

#define POOLSCOPE_SIDECAR_OPTIONS_INIT                                        \
  {                                                                           \
    sizeof(poolscope_sidecar_options), NULL, 0, NULL, NULL, NULL, NULL, NULL, \
        NULL                                                                  \
  }

typedef struct poolscope_channels poolscope_channels;

POOLSCOPE_API poolscope_sidecar* poolscope_sidecar_start(
    const poolscope_sidecar_options* options);
/* Closes the port and ends every thread of it. `sidecar` is gone then. */
POOLSCOPE_API void poolscope_sidecar_stop(poolscope_sidecar* sidecar);
POOLSCOPE_API int poolscope_sidecar_port(const poolscope_sidecar* sidecar);
/* "http://127.0.0.1:9464"; valid as long as `sidecar`. */
POOLSCOPE_API const char* poolscope_sidecar_url(
    const poolscope_sidecar* sidecar);

/* What is registered must be unregistered, or the sidecar stopped, before it is
 * destroyed. -1 for a second allocator of the same name, or second channels. */
POOLSCOPE_API int poolscope_sidecar_register_allocator(
    poolscope_sidecar* sidecar, poolscope_allocator* allocator);
POOLSCOPE_API void poolscope_sidecar_unregister_allocator(
    poolscope_sidecar* sidecar, poolscope_allocator* allocator);
POOLSCOPE_API int poolscope_sidecar_register_channels(
    poolscope_sidecar* sidecar, poolscope_channels* channels);
POOLSCOPE_API void poolscope_sidecar_unregister_channels(
    poolscope_sidecar* sidecar, poolscope_channels* channels);

/* --- Categories of native memory -------------------------------------------
 */

/* A name in the report of native memory, under which a service counts memory of
 * its own. 2 to 26 letters and single blanks, the first letter in upper case;
 * at most 32. Never destroyed. */
typedef struct poolscope_category poolscope_category;

POOLSCOPE_API poolscope_category* poolscope_category_register(const char* name);
/* Of a block from malloc: what malloc handed out, malloc_usable_size(). */
POOLSCOPE_API void poolscope_category_record_malloc(
    poolscope_category* category, size_t bytes);
POOLSCOPE_API void poolscope_category_record_free(poolscope_category* category,
                                                  size_t bytes);
/* Of anonymous mappings, in the order of their life. */
POOLSCOPE_API void poolscope_category_record_reserve(
    poolscope_category* category, size_t bytes);
POOLSCOPE_API void poolscope_category_record_commit(
    poolscope_category* category, size_t bytes);
POOLSCOPE_API void poolscope_category_record_uncommit(
    poolscope_category* category, size_t bytes);
POOLSCOPE_API void poolscope_category_record_release(
    poolscope_category* category, size_t bytes);

/* --- Outbound channels ------------------------------------------------------
 */

/* What waits for peers, where the service has buffers of its own: each channel
 * is told what is queued and what is written. */
typedef struct poolscope_channel poolscope_channel;

POOLSCOPE_API poolscope_channels* poolscope_channels_create(void);
/* Every channel must be closed before. */
POOLSCOPE_API void poolscope_channels_destroy(poolscope_channels* channels);

/* `group` is a label: 1 to 64 of [A-Za-z0-9_.:-], at most 64 different ones.
 * `name` and `peer` are for people; null is "". */
POOLSCOPE_API poolscope_channel* poolscope_channel_open(
    poolscope_channels* channels, const char* group, const char* name,
    const char* peer);
/* What is still pending fails, as closed. */
POOLSCOPE_API void poolscope_channel_close(poolscope_channel* channel);

/* A message of `bytes` waits from now on. -1, and nothing is counted, where
 * memory has ended. */
POOLSCOPE_API int poolscope_channel_queued(poolscope_channel* channel,
                                           uint64_t bytes);
/* `bytes` of what waits, the oldest first, were written. -1, and nothing is
 * counted, for more than is pending. */
POOLSCOPE_API int poolscope_channel_written(poolscope_channel* channel,
                                            uint64_t bytes);
/* All that waits has failed: the peer is gone. */
POOLSCOPE_API void poolscope_channel_failed(poolscope_channel* channel);
/* Whether its producers may go on; 1 at first. */
POOLSCOPE_API void poolscope_channel_set_writable(poolscope_channel* channel,
                                                  int writable);
POOLSCOPE_API uint64_t
poolscope_channel_pending_bytes(const poolscope_channel* channel);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* POOLSCOPE_EXPORTER_C_POOLSCOPE_H_ */

/* The same in C. */
#include <stdio.h>

#include "poolscope/exporter/c/poolscope.h"

int main(void) {
  poolscope_allocator_options pool_options = POOLSCOPE_ALLOCATOR_OPTIONS_INIT;
  pool_options.name = "consumer";
  poolscope_allocator* pool = poolscope_allocator_create(&pool_options);
  poolscope_sidecar_options options = POOLSCOPE_SIDECAR_OPTIONS_INIT;
  options.listen_address = "127.0.0.1:0";
  poolscope_sidecar* sidecar = poolscope_sidecar_start(&options);
  if (pool == NULL || sidecar == NULL ||
      poolscope_sidecar_register_allocator(sidecar, pool) != 0) {
    fprintf(stderr, "%s\n", poolscope_last_error());
    return 1;
  }
  void* payload = poolscope_allocate(pool, 14336);
  printf("%s\n", poolscope_sidecar_url(sidecar));
  fflush(stdout);
  getchar();
  poolscope_free(payload);
  poolscope_sidecar_stop(sidecar);
  poolscope_allocator_destroy(pool);
  return 0;
}

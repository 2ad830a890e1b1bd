// A service in C++ that was built outside of poolscope's tree. Prints where it
// is scraped, and ends with its standard input.
#include <iostream>
#include <memory_resource>
#include <string>

#include "poolscope/allocator/pool/pool_memory_resource.h"
#include "poolscope/allocator/pool/pooled_allocator.h"
#include "poolscope/exporter/sidecar.h"

int main() {
  poolscope::PoolOptions pool_options;
  pool_options.name = "consumer";
  auto pool = poolscope::PooledAllocator::Create(pool_options);
  if (!pool.ok()) {
    std::cerr << pool.status() << "\n";
    return 1;
  }
  poolscope::SidecarOptions options;
  options.listen_address = "127.0.0.1:0";
  auto sidecar = poolscope::Sidecar::Start(options);
  if (!sidecar.ok()) {
    std::cerr << sidecar.status() << "\n";
    return 1;
  }
  if (auto status = (*sidecar)->RegisterAllocator(pool->get()); !status.ok()) {
    std::cerr << status << "\n";
    return 1;
  }
  poolscope::PoolMemoryResource resource(pool->get());
  std::pmr::string payload(14336, 'x', &resource);
  std::cout << (*sidecar)->url() << std::endl;
  std::cin.get();
  (*sidecar)->Stop();
}

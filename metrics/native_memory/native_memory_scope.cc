#include "poolscope/metrics/native_memory/native_memory_scope.h"

namespace poolscope {
namespace {

thread_local NativeMemoryCategory* current_category = nullptr;

}  // namespace

NativeMemoryScope::NativeMemoryScope(NativeMemoryCategory* category)
    : outer_(current_category) {
  current_category = category;
}

NativeMemoryScope::~NativeMemoryScope() { current_category = outer_; }

NativeMemoryCategory* NativeMemoryScope::Current() { return current_category; }

}  // namespace poolscope

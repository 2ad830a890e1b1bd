#include "poolscope/exporter/metrics_handler.h"

#include <utility>

namespace poolscope {

std::unique_ptr<TextWriter> TextWriterPool::Take() {
  {
    MutexLock lock(&mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<TextWriter> writer = std::move(idle_.back());
      idle_.pop_back();
      return writer;
    }
  }
  return std::make_unique<TextWriter>();
}

void TextWriterPool::Return(std::unique_ptr<TextWriter> writer) {
  writer->Clear();
  MutexLock lock(&mutex_);
  if (idle_.size() < kKept) idle_.push_back(std::move(writer));
}

uint64_t TextWriterPool::held_bytes() const {
  MutexLock lock(&mutex_);
  uint64_t bytes = 0;
  for (const std::unique_ptr<TextWriter>& writer : idle_) {
    bytes += writer->capacity_bytes();
  }
  return bytes;
}

HttpResponse MetricsHandler::Handle(const HttpRequest&) {
  std::shared_ptr<TextWriter> writer(
      writers_->Take().release(), [writers = writers_](TextWriter* used) {
        writers->Return(std::unique_ptr<TextWriter>(used));
      });
  registry_->Collect(*writer);
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = writer->text();
  response.body_owner = std::move(writer);
  return response;
}

}  // namespace poolscope

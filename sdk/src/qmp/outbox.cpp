// SPDX-License-Identifier: Apache-2.0
#include "outbox.hpp"

#include <algorithm>
#include <utility>

namespace visor::sdk::qmp {

void Outbox::push(Line line) {
  size_ += line.bytes.size();
  lines_.push_back(std::move(line));
}

Outbox::Withdrawal Outbox::withdraw(CallId id) {
  const auto line = std::find_if(lines_.begin(), lines_.end(), [id](const Line& each) { return each.id == id; });
  if (line == lines_.end() || line->sent > 0) return Withdrawal::too_late;
  if (static_cast<std::size_t>(line - lines_.begin()) < in_batch_) {
    line->withdrawn = true;
    return Withdrawal::undecided;
  }
  size_ -= line->bytes.size();
  lines_.erase(line);
  return Withdrawal::done;
}

bool Outbox::untouched(CallId id) const noexcept {
  const auto line = std::find_if(lines_.begin(), lines_.end(), [id](const Line& each) { return each.id == id; });
  return line != lines_.end() && line->sent == 0 && static_cast<std::size_t>(line - lines_.begin()) >= in_batch_;
}

Outbox::Batch Outbox::begin(bool fd_allowed) {
  Batch batch;
  auto room = max_batch_bytes;
  for (auto& line : lines_) {
    if (batch.count == batch.parts.size() || room == 0) break;
    if (line.fd && line.sent == 0) {
      if (batch.count > 0 || !fd_allowed) break;
      batch.fd = line.fd.get();
      batch.fd_line = line.id;
    }
    const auto size = std::min(line.bytes.size() - line.sent, room);
    batch.parts[batch.count++] = {line.bytes.data() + line.sent, size};
    room -= size;
    if (line.fd) break;
  }
  in_batch_ = batch.count;
  return batch;
}

Outbox::Committed Outbox::commit(std::size_t bytes) {
  Committed result;
  size_ -= bytes;
  auto unsure = std::exchange(in_batch_, 0);
  while (bytes > 0) {
    auto& line = lines_.front();
    const auto taken = std::min(bytes, line.bytes.size() - line.sent);
    line.sent += taken;
    bytes -= taken;
    if (line.sent < line.bytes.size()) break;
    ++result.lines;
    lines_.pop_front();
    --unsure;
  }
  for (std::size_t at = 0; unsure > 0; --unsure) {
    auto& line = lines_[at];
    if (!line.withdrawn || line.sent > 0) {
      ++at;
      continue;
    }
    result.withdrawn.push_back(line.id);
    size_ -= line.bytes.size();
    lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return result;
}

void Outbox::clear() noexcept {
  lines_.clear();
  size_ = 0;
  in_batch_ = 0;
}

}  // namespace visor::sdk::qmp

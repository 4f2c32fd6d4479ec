// SPDX-License-Identifier: Apache-2.0
#include "journal.hpp"

#include <algorithm>
#include <string>

namespace visor::keeper {
namespace {

constexpr std::size_t max_line = 64 * 1024;

// What a line costs: its text and about what the deque and the allocator add.
std::size_t cost(const sdk::JournalEntry& entry) { return entry.line.capacity() + sizeof entry; }

}  // namespace

/// Cuts the bytes of one socket into lines.
class Journal::Source final : public Link {
 public:
  Source(Journal& journal, const sdk::JournalSource& spec) : Link{journal.loop_}, journal_{journal}, spec_{spec} {}
  void open() { connect_to(spec_.connect_path); }

 protected:
  // At most 4 KiB on a fresh connection: always fits its buffer.
  void on_connected() override { send(spec_.send_on_connect); }

  void on_bytes(std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      append(bytes.substr(0, end));
      if (end == std::string_view::npos) return;
      bytes.remove_prefix(end + 1);
      if (!cut_ && partial_.ends_with('\r')) partial_.pop_back();
      flush(cut_);
    }
  }

  void on_broken() override {
    if (!partial_.empty()) flush(true);
  }

 private:
  void append(std::string_view bytes) {
    const auto room = max_line - partial_.size();
    cut_ = cut_ || bytes.size() > room;
    partial_ += bytes.substr(0, room);
  }
  void flush(bool truncated) {
    journal_.add(spec_.name, partial_, truncated);
    partial_.clear();
    if (partial_.capacity() > 4096) partial_.shrink_to_fit();
    cut_ = false;
  }

  Journal& journal_;
  sdk::JournalSource spec_;
  std::string partial_;
  bool cut_ = false;
};

Journal::Journal(Loop& loop, std::function<void()> on_line) : loop_{loop}, on_line_{std::move(on_line)} {}

Journal::~Journal() = default;

void Journal::open(const sdk::JournalSpec& spec) {
  capacity_ = spec.ring_bytes;
  for (const auto& source : spec.sources) {
    sources_.push_back(std::make_unique<Source>(*this, source));
    sources_.back()->open();
  }
}

void Journal::finish() {
  for (auto& source : sources_) source->finish();
}

void Journal::add(const std::string& source, std::string_view line, bool truncated) {
  lines_.push_back({next_++, wall_us(), source, truncated, std::string{line}});
  size_ += cost(lines_.back());
  // The newest line always stays, even when it alone is over the limit.
  while (size_ > capacity_ && lines_.size() > 1) {
    size_ -= cost(lines_.front());
    lines_.pop_front();
  }
  on_line_();
}

const sdk::JournalEntry& Journal::at(std::uint64_t sequence) const {
  return lines_[static_cast<std::size_t>(sequence - first())];
}

std::vector<sdk::JournalEntry> Journal::newest(std::size_t count, std::size_t line_bytes) const {
  std::vector<sdk::JournalEntry> entries(lines_.end() - static_cast<long>(std::min(count, lines_.size())),
                                         lines_.end());
  for (auto& entry : entries) {
    if (entry.line.size() <= line_bytes) continue;
    entry.line.resize(line_bytes);
    entry.truncated = true;
  }
  return entries;
}

}  // namespace visor::keeper

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "link.hpp"
#include "visor/sdk/process/exit_record.hpp"
#include "visor/sdk/process/spec.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace visor::keeper {

/// Lines of all recorded sockets, as they came. Nothing here looks into a line.
class Journal {
 public:
  Journal(Loop& loop, std::function<void()> on_line);
  ~Journal();

  void open(const sdk::JournalSpec& spec);
  void finish();

  /// Sequence number of the oldest line still held, and of the line to come.
  [[nodiscard]] std::uint64_t first() const noexcept { return next_ - lines_.size(); }
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }
  /// first() ≤ sequence < next()
  [[nodiscard]] const sdk::JournalEntry& at(std::uint64_t sequence) const;
  [[nodiscard]] std::vector<sdk::JournalEntry> newest(std::size_t count, std::size_t line_bytes) const;

 private:
  class Source;
  void add(const std::string& source, std::string_view line, bool truncated);

  Loop& loop_;
  std::function<void()> on_line_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
  std::uint64_t next_ = 1;
  std::deque<sdk::JournalEntry> lines_;
  std::vector<std::unique_ptr<Source>> sources_;
};

}  // namespace visor::keeper

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "loop.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/process/spec.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace visor::keeper {

/// The newest bytes of a stream. Offsets count from the stream's first byte.
class ByteRing {
 public:
  explicit ByteRing(std::size_t capacity);

  void append(std::string_view bytes);
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::uint64_t begin() const noexcept { return end_ < capacity_ ? 0 : end_ - capacity_; }
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
  /// What lies in one piece from `offset` on; begin() ≤ offset ≤ end().
  [[nodiscard]] std::string_view piece(std::uint64_t offset) const noexcept;
  [[nodiscard]] std::string tail(std::size_t most) const;

 private:
  std::size_t capacity_;
  std::unique_ptr<char[]> bytes_;  // never touched before it is used, so an idle ring costs no memory
  std::uint64_t end_ = 0;
};

/// A log that never grows over its limit: at half of it the file becomes `<path>.1`. Write errors lose bytes, no more.
class LogFile {
 public:
  /// Throws Failure when a log is wanted and cannot be opened.
  explicit LogFile(const sdk::OutputCapture& capture);
  void write(std::string_view bytes);

 private:
  bool open(int flags);

  std::string path_;
  std::uint64_t half_;
  std::uint64_t size_ = 0;
  UniqueFd file_;
};

/// Ring and log of one stream.
class Recording {
 public:
  explicit Recording(const sdk::OutputCapture& capture) : ring_{capture.ring_bytes}, log_{capture} {}
  void append(std::string_view bytes);
  [[nodiscard]] const ByteRing& ring() const noexcept { return ring_; }

 private:
  ByteRing ring_;
  LogFile log_;
};

/// Reads the captured stderr of one process.
class PipeReader final : public Handler {
 public:
  PipeReader(Loop& loop, const sdk::OutputCapture& capture);
  /// Makes the pipe and returns the process's end.
  UniqueFd open();
  void on_ready(std::uint32_t events) override;
  /// Takes what is there now. Whoever else holds the pipe open is not waited for.
  void drain();
  [[nodiscard]] std::string tail(std::size_t most) const { return recording_.ring().tail(most); }

 private:
  bool read_once();

  Loop& loop_;
  Recording recording_;
  UniqueFd pipe_;
  std::optional<Watch> watch_;
};

/// One buffer for every read of the single thread.
std::string_view read_some(int fd, bool& end);

}  // namespace visor::keeper

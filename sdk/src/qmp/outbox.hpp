// SPDX-License-Identifier: Apache-2.0
// The lines that wait for the socket. Not synchronised.
#pragma once
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/qmp/client.hpp"

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <deque>
#include <string>
#include <vector>

namespace visor::sdk::qmp {

class Outbox {
 public:
  struct Line {
    CallId id = 0;
    std::string bytes;
    UniqueFd fd;
    std::size_t sent = 0;
    bool withdrawn = false;
  };

  /// How much one sendmsg shall take, in bytes: no less than a socket's buffer has by default.
  static constexpr std::size_t max_batch_bytes = 256U << 10U;

  /// What one sendmsg shall take. The bytes stay valid until commit(), whatever is pushed or withdrawn meanwhile.
  struct Batch {
    std::array<iovec, 16> parts;
    std::size_t count = 0;
    int fd = -1;         ///< goes with the first byte
    CallId fd_line = 0;  ///< whose that is
  };

  /// What a commit found out.
  struct Committed {
    std::uint64_t lines = 0;          ///< sent completely
    std::vector<CallId> withdrawn{};  ///< withdrawn during the write, and no byte of them went out
  };

  enum class Withdrawal { done, too_late, undecided };

  void push(Line line);
  /// Takes back a line of which nothing was sent; undecided while a batch with it is being written.
  Withdrawal withdraw(CallId id);
  /// Whether this line waits, and neither was nor is being sent in part.
  [[nodiscard]] bool untouched(CallId id) const noexcept;
  /// The next batch; empty when there is nothing to send. A line with a descriptor begins a batch of its own, and is
  /// held back, with all behind it, unless `fd_allowed`.
  [[nodiscard]] Batch begin(bool fd_allowed);
  /// Ends a batch of which the socket took this many bytes.
  Committed commit(std::size_t bytes);
  void clear() noexcept;
  /// Unsent bytes.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::deque<Line> lines_;
  std::size_t size_ = 0;
  std::size_t in_batch_ = 0;  // how many lines at the front a batch refers to
};

}  // namespace visor::sdk::qmp

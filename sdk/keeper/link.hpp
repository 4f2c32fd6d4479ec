// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "loop.hpp"
#include "visor/core/unique_fd.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace visor::keeper {

/// Our end of a stream to a process: a connection to its listening socket, made again when it breaks, or one end of a
/// socket pair, which cannot be.
class Link : public Handler {
 public:
  explicit Link(Loop& loop);

  void connect_to(const std::string& path);
  void take(UniqueFd stream);
  [[nodiscard]] bool connected() const noexcept { return static_cast<bool>(stream_); }
  /// Takes what can be read now, then lets go for good.
  void finish();

  void on_ready(std::uint32_t events) override;

 protected:
  /// The connection is new.
  virtual void on_connected() {}
  virtual void on_bytes(std::string_view bytes) = 0;
  /// The connection is gone.
  virtual void on_broken() {}
  virtual void on_writable() {}

  void want_write(bool wanted);
  /// Sends what fits; returns how much.
  std::size_t send(std::string_view bytes);

 private:
  void try_connect();
  void adopt_stream(UniqueFd stream);
  bool read_once();
  void broken();

  Loop& loop_;
  std::string path_;
  Timer retry_;
  Milliseconds retry_delay_{10};
  UniqueFd stream_;
  std::optional<Watch> watch_;
};

}  // namespace visor::keeper

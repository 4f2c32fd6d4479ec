// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "acceptor.hpp"
#include "capture.hpp"
#include "link.hpp"
#include "visor/sdk/process/spec.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace visor::keeper {

/// The guest's console: always drained, kept in a ring, served to any number of clients. A client that reads slowly
/// skips bytes, with a mark; it never holds up the guest or another client.
class Console final : public Link {
 public:
  explicit Console(Loop& loop);
  ~Console() override;

  /// Throws Failure. Nothing happens when the specification has no console.
  void open(const sdk::KeeperSpec& spec, const std::string& socket_path);
  /// The process's end of the stream; -1 when the console is a connection.
  [[nodiscard]] int process_end() const noexcept { return process_end_.get(); }
  void close_process_end() { process_end_.reset(); }

  /// The guest is gone: takes the rest; clients get what they still miss, then the end.
  void finish_guest();
  /// Whether every client has all there is.
  [[nodiscard]] bool flushed() const;
  /// Forgets clients that left.
  void sweep();

  [[nodiscard]] std::uint64_t bytes() const noexcept { return recording_ ? recording_->ring().end() : 0; }
  [[nodiscard]] std::size_t clients() const noexcept { return clients_.size(); }

 protected:
  void on_bytes(std::string_view bytes) override;
  void on_connected() override { flush_input(); }
  void on_broken() override;
  void on_writable() override { flush_input(); }

 private:
  class Client;
  void add_client(UniqueFd socket);
  void input(std::string_view bytes);
  void flush_input();
  [[nodiscard]] std::size_t input_room() const noexcept;

  Loop& loop_;
  std::optional<Recording> recording_;
  UniqueFd process_end_;
  std::string to_guest_;
  bool finished_ = false;
  std::optional<Acceptor> door_;
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace visor::keeper

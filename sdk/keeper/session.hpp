// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "control.hpp"

#include <deque>

namespace visor::keeper {

/// One connected peer. Requests are read one at a time, and none while an answer has not left: that bounds the queue.
class Session final : public Handler {
 public:
  Session(Control& control, UniqueFd socket);

  void on_ready(std::uint32_t events) override;
  void send(const sdk::wire::Message& message);
  void pump_journal();

  [[nodiscard]] bool closed() const noexcept { return !watch_; }
  [[nodiscard]] bool flushed() const noexcept { return queue_.empty(); }
  [[nodiscard]] bool is_owner() const noexcept { return owner_; }
  [[nodiscard]] pid_t peer() const noexcept { return peer_; }
  [[nodiscard]] const std::string& operation() const noexcept { return operation_; }

 private:
  void receive();
  void flush();
  void close();
  void handle(const sdk::wire::Message& request);
  bool handle_life(const sdk::wire::Message& request);
  void hello(const sdk::wire::Message& request);
  void start_journal(const sdk::wire::Message& request);
  void end_journal();
  void send_stderr(const sdk::wire::Message& request);
  void refuse(const sdk::wire::Message& request, std::string_view code, std::string_view text);
  [[nodiscard]] sdk::wire::Message reply(std::string_view verb, const sdk::wire::Message& request) const;

  struct JournalRead {
    std::uint64_t id = 0;
    std::uint64_t at = 1;
    std::uint64_t lost = 0;  // not yet told
    bool follow = false;
    bool caught_up = false;
  };

  Control& control_;
  UniqueFd socket_;
  pid_t peer_;
  bool owner_ = false;
  bool deaf_ = false;  // the peer takes nothing any more, but may have sent something before
  std::string operation_;
  std::deque<std::string> queue_;
  std::optional<JournalRead> journal_;
  std::optional<Watch> watch_;
};

}  // namespace visor::keeper

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "channel.hpp"
#include "command_line.hpp"
#include "machine.hpp"
#include "visor/testing/fake_qmp_server.hpp"
#include "words.hpp"

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace visor::testing {

/// Serves the sockets of a fake QEMU: monitors by the machine or by a script, the console.
class Server {
 public:
  /// Blocks SIGTERM and SIGUSR1 for the process.
  explicit Server(CommandLine line);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Serves until something ends it; the exit code.
  int run();

 private:
  void add_channels();
  void play_script(Channel& channel, const std::string& file);
  /// Does what was asked for at this step; false when nothing was, and all goes its way.
  bool fails(const std::string& step, Channel* channel, const Value* id = nullptr);
  void accept_client(Channel& channel);
  void greet(Channel& channel);
  void read_input(Channel& channel);
  void obey(Channel& channel, const Value& command);
  [[nodiscard]] Value answer(Channel& channel, const std::string& command, const Value& arguments);
  void tell(const std::string& name, const Value& data);
  void on_signal();
  void poll_once();
  void end_from_script(int code);

  CommandLine line_;
  Words words_;
  const Profile& profile_;
  UniqueFd signals_;
  UniqueFd script_end_;  // an eventfd
  std::atomic<int> script_code_{0};
  std::atomic<bool> ended_from_outside_{false};  // of the scripts: their breaking off is no problem of theirs
  Machine machine_;
  std::deque<Channel> channels_;
  std::vector<std::unique_ptr<FakeQmpServer>> scripts_;  // the last: their threads use the members above
  std::optional<int> ended_;
};

}  // namespace visor::testing

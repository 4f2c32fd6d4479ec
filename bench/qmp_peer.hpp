// SPDX-License-Identifier: Apache-2.0
// What the client is measured against: the least that can answer, and the least that can ask.
#pragma once
#include "visor/core/unique_fd.hpp"

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace visor::bench {

/// A process that greets whoever connects and answers each command with an empty object, at once.
/// A process of its own, so that its time is not counted as ours. Make it before the first thread.
class EchoServer {
 public:
  explicit EchoServer(std::string path);
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;
  ~EchoServer();
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  pid_t pid_ = -1;
};

/// A QEMU with no machine and as many monitors as wanted, each for one client.
class BareQemu {
 public:
  BareQemu(const std::string& folder, std::size_t monitors);
  BareQemu(const BareQemu&) = delete;
  BareQemu& operator=(const BareQemu&) = delete;
  ~BareQemu();
  [[nodiscard]] const std::string& monitor(std::size_t index) const { return monitors_.at(index); }

 private:
  std::vector<std::string> monitors_;
  pid_t pid_ = -1;
};

/// A socket and two system calls a command: nothing that asks and waits for the answer can be faster.
class RawClient {
 public:
  explicit RawClient(const std::string& path);
  /// Writes the line and reads until one line has come.
  void ask(const std::string& line);

 private:
  UniqueFd socket_;
  std::string input_;
};

/// Connects, waiting for the listener to appear; ends the program when it does not within ten seconds.
UniqueFd connect_to(const std::string& path);

}  // namespace visor::bench

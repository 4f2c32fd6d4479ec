// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/unique_fd.hpp"
#include "visor/core/value.hpp"
#include "visor/testing/qmp_script.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace visor::testing {

/// Plays a script to one client, on a thread of its own; the connection is closed when the script is over.
///
/// It shares no code with the client that it tests. [any thread] for all methods; the callbacks of the options run on
/// the server's thread and must not wait for it.
class FakeQmpServer {
 public:
  struct Options {
    std::string path = {};   ///< listens there; empty makes a socket pair instead
    UniqueFd listener = {};  ///< a listening stream socket to take the client from, in place of `path`
    std::chrono::milliseconds patience{20'000};
    std::function<void(std::string_view text)> on_stderr = {};     ///< what QmpScript::write_stderr() says
    std::function<void(int code)> on_exit = {};                    ///< QmpScript::exit() was reached
    std::function<void(const std::string& problem)> on_over = {};  ///< as finish() would return it
  };

  explicit FakeQmpServer(QmpScript script);
  FakeQmpServer(QmpScript script, Options options);
  FakeQmpServer(const FakeQmpServer&) = delete;
  FakeQmpServer& operator=(const FakeQmpServer&) = delete;
  /// Breaks off the script where it is.
  ~FakeQmpServer();

  /// The client's end of the socket pair; once.
  [[nodiscard]] UniqueFd take_client();
  /// Lets pause(gate) pass, once for each call; also when called before it is reached.
  void release(const std::string& gate);
  /// Waits until the script is over and returns what went wrong, empty when nothing did: the step (its number, or its
  /// place in the file), what it wanted, and what came. [blocks ≤ patience]
  std::string finish();
  /// Every command that came, whole objects.
  [[nodiscard]] std::vector<Value> received() const;
  /// The descriptors that came with them.
  [[nodiscard]] std::size_t received_fds() const;

 private:
  friend class QmpScript;
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/unique_fd.hpp"
#include "visor/core/value.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace visor::testing {

/// What the fake says first.
struct FakeGreeting {
  std::uint32_t major = 7;
  std::uint32_t minor = 2;
  std::uint32_t micro = 22;
  std::string package = "fake";
  std::vector<std::string> capabilities = {"oob"};

  [[nodiscard]] Value object() const;
};

/// A fake event's time stamp.
struct FakeTime {
  std::int64_t seconds = 1'700'000'000;
  std::int64_t microseconds = 123'456;
};

/// What a fake QMP server does, step after step, with the one client it has. Steps that wait for the client end the
/// dialogue with a problem when it does not come in time (FakeQmpServer::Options::patience).
class QmpScript {
 public:
  /// Answers for serve(): the arguments of a command to its value. Throw visor::Error to refuse with GenericError.
  using Handlers = std::map<std::string, std::function<Value(const Value& arguments)>, std::less<>>;

  /// Sends the greeting.
  QmpScript& greet(const FakeGreeting& greeting = {});
  /// Expects qmp_capabilities and agrees.
  QmpScript& negotiate();
  /// Takes the next command, which must be this one; with `arguments`, exactly these.
  QmpScript& expect(std::string command);
  QmpScript& expect(std::string command, Value arguments);
  /// Answers the command expected last, or the one that many before it.
  QmpScript& reply(Value value = Value::map(), std::size_t before = 0);
  /// Refuses it.
  QmpScript& fail(std::string error_class, std::string description, std::size_t before = 0);
  QmpScript& event(std::string name, Value data = {}, FakeTime time = {});
  /// Sends these bytes as they are.
  QmpScript& raw(std::string bytes);
  /// From here on each message goes out in pieces of this many bytes; 0 turns it off.
  QmpScript& split(std::size_t bytes);
  /// Holds back what follows until unglue(), which sends it in one write.
  QmpScript& glue();
  QmpScript& unglue();
  /// Waits for FakeQmpServer::release() of this name: the test decides when it goes on.
  QmpScript& pause(std::string gate);
  /// Reads and answers nothing until the client goes or the server is destroyed.
  QmpScript& silence();
  /// Does not even read, until the server is destroyed.
  QmpScript& freeze();
  /// Answers whatever comes, until the client goes; a command without a handler is refused with CommandNotFound.
  QmpScript& serve(Handlers handlers);
  /// The client must go now: it must send nothing more, and close.
  QmpScript& expect_end();
  /// Closes the connection, and the listening socket if there is one.
  QmpScript& close();

 private:
  friend class FakeQmpServer;
  class Dialogue;
  using Step = std::function<void(Dialogue&)>;
  QmpScript& add(Step step);
  std::vector<Step> steps_;
};

/// Plays a script to one client, on a thread of its own; the connection is closed when the script is over.
///
/// It shares no code with the client that it tests. [any thread] for all methods.
class FakeQmpServer {
 public:
  struct Options {
    std::string path = {};  ///< listens there; empty makes a socket pair instead
    std::chrono::milliseconds patience{20'000};
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
  /// Waits until the script is over and returns what went wrong, empty when nothing did. [blocks ≤ patience]
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

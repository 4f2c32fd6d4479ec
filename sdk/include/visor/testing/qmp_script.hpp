// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
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
/// dialogue with a problem when it does not come in time (FakeQmpServer::Options::patience): a whole command, or the
/// reading of any of the bytes that were sent.
///
/// It is a value: copy it, keep it, play it as often as wanted. The same script and seed send the same bytes in the
/// same pieces. docs/TESTING.md has the form of a script in a file.
class QmpScript {
 public:
  /// Answers for serve(): the arguments of a command to its value. Throw visor::Error to refuse with GenericError.
  using Handlers = std::map<std::string, std::function<Value(const Value& arguments)>, std::less<>>;
  /// How the arguments of a command must be: whatever they are, the same data, or these among others. The order of
  /// members never counts, as with QEMU.
  enum class Match { any, exact, subset };
  struct Exchange;

  /// Reads a script in YAML. Throws invalid_config with "file:line:column: what is wrong"; load() also what the file
  /// system refuses, with the path.
  static QmpScript load(const std::filesystem::path& path);
  /// `name` stands for the file's name in messages.
  static QmpScript from_yaml(std::string_view text, std::string_view name = "script");

  /// Sends the greeting.
  QmpScript& greet(const FakeGreeting& greeting = {});
  /// Expects qmp_capabilities and agrees.
  QmpScript& negotiate();
  /// Takes the next command, which must be this one; with `arguments`, exactly these.
  QmpScript& expect(std::string command);
  QmpScript& expect(std::string command, Value arguments);
  QmpScript& expect(std::string command, Match match, Value arguments);
  /// Takes the commands of all these exchanges, each once, in the order in which they come.
  QmpScript& any_order(std::vector<Exchange> exchanges);
  /// Takes commands as long as the client sends some, each answered by the first exchange that fits; one that none is
  /// about is refused with CommandNotFound, one whose arguments fit none with GenericError. Ends when the client goes,
  /// or after the exchange of the command `until`.
  QmpScript& serve_any(std::vector<Exchange> exchanges, std::string until = {});
  /// Answers the command expected last, or the one that many before it.
  QmpScript& reply(Value value = Value::map(), std::size_t before = 0);
  /// Refuses it.
  QmpScript& fail(std::string error_class, std::string description, std::size_t before = 0);
  QmpScript& event(std::string name, Value data = {}, FakeTime time = {});
  /// Sends these bytes as they are.
  QmpScript& raw(std::string bytes);
  /// From here on each message goes out in pieces of this many bytes; 0 turns it off.
  QmpScript& split(std::size_t bytes);
  /// From here on the pieces have 1 to `largest` bytes, as the seed says.
  QmpScript& split_random(std::uint64_t seed, std::size_t largest = 64);
  /// Holds back what follows until unglue(), which sends it in one write.
  QmpScript& glue();
  QmpScript& unglue();
  /// Plays these steps next.
  QmpScript& append(const QmpScript& script);
  /// Does nothing for this long. For a peer that is slow; a test that waits for something uses pause().
  QmpScript& delay(std::chrono::milliseconds time);
  /// Waits for FakeQmpServer::release() of this name: the test decides when it goes on.
  QmpScript& pause(std::string gate);
  /// Plays another script that many times.
  QmpScript& repeat(std::size_t times, QmpScript script);
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
  /// Gives the text and a line break to FakeQmpServer::Options::on_stderr, as what the program says on its stderr.
  QmpScript& write_stderr(std::string text);
  /// Closes like close() and ends the script with the program's exit code, for Options::on_exit.
  QmpScript& exit(int code);

  /// How many steps it has; those inside of repeat() and exchanges do not count.
  [[nodiscard]] std::size_t size() const noexcept { return steps_.size(); }

 private:
  friend class FakeQmpServer;
  class Dialogue;
  class Loader;
  struct Step {
    std::function<void(Dialogue&)> play;
    std::string place;  // "file:line:column", or empty
  };
  QmpScript& add(std::function<void(Dialogue&)> play);
  std::vector<Step> steps_;
};

/// A command and what is done when it came.
struct QmpScript::Exchange {
  std::string command;
  Match match = Match::any;
  Value arguments = {};
  QmpScript then = {};
};

}  // namespace visor::testing

// SPDX-License-Identifier: Apache-2.0
// The fake QMP server's side of a connection, as the steps of a script see it.
#pragma once
#include "json_stream.hpp"
#include "pieces.hpp"
#include "visor/testing/fake_qmp_server.hpp"

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>

namespace visor::testing {

struct FakeQmpServer::State {
  Options options;
  UniqueFd client;
  UniqueFd listener;
  UniqueFd stop;  // an eventfd, readable from when the server is being destroyed

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, int> gates;
  std::vector<Value> received;
  std::vector<UniqueFd> fds;
  std::string problem;
  std::string place;      // of the step that is played
  std::string waits_for;  // what it waits for, or did last
  bool stopping = false;
  bool over = false;
  std::thread thread;

  /// The command that came last, for messages. Under the mutex.
  [[nodiscard]] std::string last_word() const;
};

class QmpScript::Dialogue {
 public:
  /// The client did something else than the script says.
  struct Problem : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  /// The test is over before the script.
  struct Stopped {};
  /// The script says that the program ends here.
  struct Exited {};

  Dialogue(FakeQmpServer::State& state, UniqueFd connection) : state_{state}, connection_{std::move(connection)} {}

  /// Plays a script to the client to its end; returns what went wrong.
  static std::string run(FakeQmpServer::State& state, UniqueFd connection, const QmpScript& script);

  void accept_client();
  /// Plays all steps of a script.
  void play(const QmpScript& script);
  void send(const std::string& bytes);
  void send(const Value& object);
  /// The next command. Nothing: the client closed. `what` is for the problem when none comes in time.
  std::optional<Value> next(const std::string& what);
  void expect(const Exchange& exchange);
  void any_order(std::vector<const Exchange*> left);
  void serve_any(const std::vector<Exchange>& exchanges, const std::string& until);
  void answer(Value reply, std::size_t before);
  void wait_at(const std::string& gate);
  /// Waits until the time is over or the server is destroyed.
  void wait_for(std::chrono::milliseconds time);
  void wait_stop();
  void serve(const Handlers& handlers);
  void expect_end();
  void close();
  void write_stderr(const std::string& text);
  [[noreturn]] void exit(int code);
  void split(Pieces pieces) noexcept { pieces_ = pieces; }
  void glue() noexcept { glued_ = true; }
  void unglue();

 private:
  using Deadline = std::chrono::steady_clock::time_point;

  [[nodiscard]] Deadline deadline() const { return std::chrono::steady_clock::now() + state_.options.patience; }
  void be_at(std::string place);
  [[noreturn]] void wait_in_vain(const std::string& what) const;
  /// Waits for poll's event `ready`; `what` it waits for is for problems.
  void wait_until(int fd, short ready, const std::string& what, Deadline until);
  void waits_for(std::string what);
  bool read_more(const std::string& what, Deadline until);
  void write_all(std::string_view bytes);
  void refuse(Value command, const std::string& error_class, const std::string& text);

  FakeQmpServer::State& state_;
  UniqueFd connection_;
  JsonStream input_;
  std::string held_;
  std::vector<Value> expected_;
  Pieces pieces_;
  std::string place_;
  bool glued_ = false;
};

}  // namespace visor::testing

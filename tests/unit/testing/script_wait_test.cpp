// SPDX-License-Identifier: Apache-2.0
// A script that waits: for a client, for what it says, for it to read.
#include "raw_client.hpp"
#include "testing/unix_socket.hpp"
#include "visor/testing/fake_qmp_server.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <utility>

namespace visor::testing {
namespace {

using namespace std::chrono_literals;

std::string socket_path() { return "/tmp/visor-script-" + std::to_string(::getpid()) + ".sock"; }

/// What finish() says in the end, when it says something that begins so.
std::string finish_as(FakeQmpServer& server, const std::string& text) {
  const auto until = std::chrono::steady_clock::now() + 20s;
  auto said = server.finish();
  while (!said.starts_with(text) && std::chrono::steady_clock::now() < until) said = server.finish();
  return said;
}

TEST(ScriptWait, IsSaid) {
  const std::string deaf = "step 1: waited in vain for the client to read; no command came";
  FakeQmpServer unread{QmpScript{}.raw(std::string(4U << 20U, 'x')), {.patience = 20ms}};
  EXPECT_EQ(finish_as(unread, deaf), deaf);
  const std::string late = "the script is not over: it is at step 1 and waits for 600000 ms to pass; no command came";
  FakeQmpServer delayed{QmpScript{}.delay(600s), {.patience = 1ms}};
  EXPECT_EQ(finish_as(delayed, late), late);
}

TEST(ScriptWait, IsSaidWithTheStepAndWhatCameLast) {
  const auto path = socket_path();
  FakeQmpServer::Options options{.listener = listen_at(path), .patience = 1ms};
  RawClient client{path};
  ::unlink(path.c_str());
  client.send(R"({"execute":"a"}{"execute":"b"})");  // all is there before the script begins
  const auto script = QmpScript::from_yaml(R"(steps:
  - repeat: 2
    steps:
      - {expect: a, reply: 1}
      - any_order: [{expect: b, then: [{delay: 600s}]}]
)");
  FakeQmpServer server{script, std::move(options)};
  const std::string wanted =
      "the script is not over: it is at script:5:40 and waits for 600000 ms to pass; "
      R"(the last command was {"execute":"b"})";
  EXPECT_EQ(finish_as(server, wanted), wanted);
}

TEST(ScriptWait, NumbersTheStepsOfOneThatIsInNoFile) {
  const auto inner = QmpScript{}.raw("x").close().raw("y");
  FakeQmpServer repeated{QmpScript{}.raw("x").repeat(1, inner)};
  EXPECT_EQ(repeated.finish(), "step 2.3: the script goes on after it closed the connection");
}

/// Signals whose handlers restart no call, to the server's thread alone.
class Interrupting {
 public:
  explicit Interrupting(FakeQmpServer& /*its thread runs, and has no signal blocked*/) {
    struct sigaction action{};
    action.sa_handler = [](int) { ++taken; };
    ::sigaction(SIGUSR2, &action, &before_);
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGUSR2);
    ::pthread_sigmask(SIG_BLOCK, &set, &mask_);
  }
  Interrupting(const Interrupting&) = delete;
  Interrupting& operator=(const Interrupting&) = delete;
  ~Interrupting() {
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    ::sigaction(SIGUSR2, &before_, nullptr);
  }
  /// Sends one and waits until it was taken.
  static bool interrupt() {
    const int before = taken;
    ::kill(::getpid(), SIGUSR2);
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (taken == before && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    return taken != before;
  }

 private:
  static inline std::atomic<int> taken = 0;
  struct sigaction before_{};
  sigset_t mask_{};
};

TEST(ScriptWait, GoesOnAmongSignalsWithAClientThatReadsLate) {
  const std::string much(4U << 20U, 'x');
  FakeQmpServer server{QmpScript{}.raw(much).expect("a").reply()};
  RawClient client{server.take_client()};
  const Interrupting signals{server};
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Interrupting::interrupt());  // while it waits for room
  std::string seen;
  while (seen.size() < much.size()) {
    const auto bytes = client.chunk();
    ASSERT_FALSE(bytes.empty());
    seen += bytes;
    ASSERT_TRUE(Interrupting::interrupt());
  }
  EXPECT_EQ(seen, much);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Interrupting::interrupt());  // while it waits for the command
  EXPECT_EQ(client.ask(R"({"execute":"a"})"), R"({"return":{}})");
  EXPECT_EQ(server.finish(), "");
}

TEST(ScriptWait, GoesOnAmongSignalsUntilAClientComes) {
  const auto path = socket_path();
  FakeQmpServer server{QmpScript{}.raw("hello\n"), {.listener = listen_at(path)}};
  const Interrupting signals{server};
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Interrupting::interrupt());
  RawClient client{path};
  ::unlink(path.c_str());
  EXPECT_EQ(client.line(), "hello");
  EXPECT_EQ(server.finish(), "");
}

}  // namespace
}  // namespace visor::testing

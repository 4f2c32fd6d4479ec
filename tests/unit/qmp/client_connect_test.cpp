// SPDX-License-Identifier: Apache-2.0
#include "qmp_test_support.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

namespace visor::sdk::qmp {
namespace {

/// A folder of its own for sockets.
class SocketFolder {
 public:
  SocketFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "visor-qmp-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw system_error("mkdtemp", errno);
    path_ = name;
  }
  ~SocketFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string socket() const { return (path_ / "qmp.sock").string(); }

 private:
  std::filesystem::path path_;
};

UniqueFd listen_at(const std::string& path) {
  UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd.get(), 0), 0);
  return fd;
}

UniqueFd connected_to(const std::string& path) {
  UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

TEST(QmpConnect, NegotiatesOverAPath) {
  const SocketFolder folder;
  FakeQmpServer server{ready_script().expect_end(), {.path = folder.socket()}};
  {
    const auto client = Client::connect(folder.socket(), {}, plenty);
    EXPECT_EQ(client->state(), State::ready);
    EXPECT_EQ(to_string(client->version()), "7.2.22");
    EXPECT_TRUE(client->out_of_band());
  }
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpConnect, IsReadyOnlyWithTheAnswerToQmpCapabilities) {
  // Where the machine has much else to do a deadline may pass before the greeting is read: then with more time.
  bool greeted = false;
  std::string last;
  for (auto limit = brief; !greeted && limit < plenty; limit *= 2) {
    FakeQmpServer server{std::move(QmpScript{}.greet().expect("qmp_capabilities").silence())};
    const auto error = error_of([&] { (void)Client::connect(server.take_client(), {}, limit); });
    ASSERT_TRUE(error);
    ASSERT_EQ(error->code(), Errc::timeout);
    greeted = server.finish().empty() && error->message().find("greeted but was not ready") != std::string::npos;
    last = error->message();
  }
  EXPECT_TRUE(greeted) << last;
}

TEST(QmpConnect, GivesUpOnASilentPeerAtTheDeadline) {
  FakeQmpServer server{std::move(QmpScript{}.silence())};
  const auto error = error_of([&] { (void)Client::connect(server.take_client(), {.peer = "vm0"}, brief); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::timeout);
  EXPECT_NE(error->message().find("vm0 sent no QMP greeting in time"), std::string::npos);
}

TEST(QmpConnect, CanBeCancelledWhileItWaitsForTheGreeting) {
  // The greeting that arrives around the cancellation must not hang it either: whichever comes first wins.
  for (int round = 0; round < 50; ++round) {
    FakeQmpServer server{std::move(QmpScript{}.pause("go").greet().negotiate().silence())};
    CancelSource source;
    std::thread canceller{[&] {
      server.release("go");
      source.cancel();
    }};
    const CallContext call{in(plenty), source.token()};
    const auto code = code_of([&] { (void)Client::connect(server.take_client(), {}, call); });
    EXPECT_TRUE(!code || code == Errc::cancelled);
    canceller.join();
  }
}

TEST(QmpConnect, TakesEventsAroundTheNegotiationForEvents) {
  std::vector<std::string> events;
  FakeQmpServer server{std::move(QmpScript{}
                                     .event("BEFORE_GREETING")
                                     .greet()
                                     .event("BEFORE_CAPABILITIES")
                                     .expect("qmp_capabilities")
                                     .event("BEFORE_ANSWER")
                                     .reply()
                                     .event("AFTER")
                                     .expect("query-status")
                                     .reply(Value::map({{"status", "running"}})))};
  const auto client = connect(server, {.on_event = [&](const Event& event) { events.push_back(event.name); }});
  EXPECT_EQ(client->execute("query-status", plenty).at("status").as_string(), "running");
  client->io()->run_and_wait([] {});
  EXPECT_EQ(events, (std::vector<std::string>{"BEFORE_GREETING", "BEFORE_CAPABILITIES", "BEFORE_ANSWER", "AFTER"}));
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpConnect, RefusesAnOldQemu) {
  FakeQmpServer server{std::move(QmpScript{}.greet({.major = 4, .minor = 2, .micro = 0}).expect_end())};
  const auto error = error_of([&] { (void)connect(server); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::unsupported);
  EXPECT_NE(error->message().find("it is version 4.2.0, and 5.0.0 or newer is needed"), std::string::npos);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpConnect, SaysThatThePeerDiedBeforeItsGreetingAndWhy) {
  FakeQmpServer server{std::move(QmpScript{}.close())};
  const auto error = error_of([&] {
    (void)connect(server, {.loss_cause = [](Deadline) { return "QEMU exited with status 1: no such kernel"; }});
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::disconnected);
  EXPECT_EQ(error->message(),
            "Cannot negotiate QMP: QEMU closed the QMP connection before its greeting: "
            "QEMU exited with status 1: no such kernel");
}

TEST(QmpConnect, SaysThatThePeerDiedAfterItsGreeting) {
  FakeQmpServer server{std::move(QmpScript{}.greet().expect("qmp_capabilities").close())};
  const auto error = error_of([&] { (void)connect(server); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::disconnected);
  EXPECT_NE(error->message().find("before it was ready"), std::string::npos);
}

TEST(QmpConnect, NoticesAtOnceThatAListenerWentWithoutAccepting) {
  const SocketFolder folder;
  auto listener = listen_at(folder.socket());
  auto socket = connected_to(folder.socket());
  listener.reset();
  EXPECT_EQ(code_of([&] { (void)Client::connect(std::move(socket), {}, plenty); }), Errc::disconnected);
}

TEST(QmpConnect, WaitsForAPlaceInTheListenersQueueUntilTheDeadline) {
  const SocketFolder folder;
  const auto listener = listen_at(folder.socket());
  const auto occupant = connected_to(folder.socket());  // a queue of 0 holds one
  EXPECT_EQ(code_of([&] { (void)Client::connect(folder.socket(), {}, brief); }), Errc::timeout);
}

TEST(QmpConnect, ASecondClientTimesOutWhileTheFirstIsServed) {
  const SocketFolder folder;
  FakeQmpServer server{ready_script().serve({}), {.path = folder.socket()}};
  const auto first = Client::connect(folder.socket(), {}, plenty);
  EXPECT_EQ(code_of([&] { (void)Client::connect(folder.socket(), {}, brief); }), Errc::timeout);
  EXPECT_EQ(first->state(), State::ready);
}

TEST(QmpConnect, ConnectsFromTwoThreadsAtOnceToTwoMonitors) {
  FakeQmpServer one{ready_script().serve({})};
  FakeQmpServer two{ready_script().serve({})};
  std::array<State, 2> states{};
  std::thread first{[&] { states[0] = connect(one)->state(); }};
  std::thread second{[&] { states[1] = connect(two)->state(); }};
  first.join();
  second.join();
  EXPECT_EQ(states, (std::array<State, 2>{State::ready, State::ready}));
}

TEST(QmpConnect, NamesABadPath) {
  const SocketFolder folder;
  const auto missing = error_of([&] { (void)Client::connect(folder.socket(), {}, plenty); });
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->code(), Errc::not_found);
  EXPECT_NE(missing->message().find(folder.socket()), std::string::npos);
  const auto error = error_of([&] { (void)Client::connect("/tmp/" + std::string(200, 'x'), {}, plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::invalid_config);
  EXPECT_NE(error->message().find("1 to 107 bytes, this has 205"), std::string::npos);
  listen_at(folder.socket()).reset();
  EXPECT_EQ(code_of([&] { (void)Client::connect(folder.socket(), {}, plenty); }), Errc::disconnected);
}

TEST(QmpConnect, RefusesADescriptorThatIsNoUnixStreamSocket) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const UniqueFd writer{ends[1]};
  UniqueFd reader{ends[0]};
  EXPECT_EQ(code_of([&] { (void)Client::connect(std::move(reader), {}, plenty); }), Errc::invalid_config);
  UniqueFd tcp{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  EXPECT_EQ(code_of([&] { (void)Client::connect(std::move(tcp), {}, plenty); }), Errc::invalid_config);
  EXPECT_EQ(code_of([&] { (void)Client::connect(UniqueFd{}, {}, plenty); }), Errc::invalid_config);
}

TEST(QmpConnect, EndsAtGarbage) {
  FakeQmpServer server{std::move(QmpScript{}.raw("SSH-2.0-OpenSSH\r\n").expect_end())};
  const auto error = error_of([&] { (void)connect(server); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::disconnected);
  EXPECT_NE(error->message().find("no JSON object: \"SSH-2.0-OpenSSH"), std::string::npos);
}

}  // namespace
}  // namespace visor::sdk::qmp

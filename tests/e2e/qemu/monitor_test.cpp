// SPDX-License-Identifier: Apache-2.0
// The owner's connection to QEMU: when it breaks, and when it comes to be beside others.
#include "guest.hpp"
#include "support/suspend.hpp"
#include "visor/core/error.hpp"
#include "visor/core/extension.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>
#include <cstring>
#include <future>

namespace visor::test {
namespace {

sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return address;
}

/// Ends this process's connections to a socket; how many there were.
int break_connections(const std::filesystem::path& path) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    const int fd = std::atoi(entry.path().filename().c_str());
    sockaddr_un peer{};
    socklen_t size = sizeof(peer);
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0 || path != peer.sun_path) continue;
    EXPECT_EQ(::shutdown(fd, SHUT_RDWR), 0);
    ++count;
  }
  return count;
}

class Monitor : public QemuTest {
 protected:
  int break_owner() { return break_connections(folder() / "qmp-owner.sock"); }
  static std::shared_ptr<QmpExtension> monitor_of(Vm& vm) {
    return std::dynamic_pointer_cast<QmpExtension>(vm.extension(QmpExtension::id));
  }
};

/// How a question to QEMU ends.
std::string answer_of(QmpExtension& monitor) {
  try {
    (void)monitor.execute("query-status", {}, 30s);
    return "answered";
  } catch (const Error& error) {
    return std::string{to_string(error.code())};
  }
}

TEST_F(Monitor, ConnectionThatBreaksIsMadeAgain) {
  const auto vm = boot(config());
  const auto events = vm->events();
  const auto monitor = monitor_of(*vm);
  ASSERT_TRUE(monitor);
  const int qemu = vm->record().hypervisor.pid;
  ASSERT_TRUE(test::suspend(qemu));  // so that the call is still in flight
  auto asking = std::async(std::launch::async, [&] { return answer_of(*monitor); });
  ASSERT_EQ(break_owner(), 1);
  EXPECT_EQ(asking.get(), "disconnected");
  ASSERT_EQ(::kill(qemu, SIGCONT), 0);
  const auto status = vm->status(10s);  // by the observer's monitor
  EXPECT_EQ(to_string(status.state), "running");
  EXPECT_TRUE(status.responsive) << status.detail;
  vm->pause(20s);
  EXPECT_EQ(to_string(vm->status(5s).state), "paused");
  EXPECT_EQ(break_owner(), 1);
  EXPECT_EQ(answer_of(*monitor), "disconnected");  // from here on the loss is known
  vm->resume(20s);
  EXPECT_EQ(to_string(vm->stop({}, 60s).rung), "guest");
  std::vector<std::string> states;
  while (const auto event = events->next(5s)) {
    if (event->kind == EventKind::state_changed) states.push_back(event->data.at("state").as_string());
  }
  EXPECT_EQ(states, (std::vector<std::string>{"paused", "running", "stopped"}));
}

TEST_F(Monitor, StopWithABrokenConnectionStillAsksTheGuest) {
  const auto vm = boot(config());
  ASSERT_EQ(break_owner(), 1);
  EXPECT_EQ(answer_of(*monitor_of(*vm)), "disconnected");  // from here on the loss is known
  EXPECT_EQ(to_string(vm->stop({}, 60s).rung), "guest");
  EXPECT_EQ(to_string(vm->status(1s).state), "stopped");
}

/// Lets the vCPUs stop and go again and again by the observer's monitor, as no driver would.
void stop_and_go(const std::filesystem::path& path, int rounds) {
  const UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const auto address = address_of(path);
  ASSERT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  std::string seen;
  const auto say = [&](const std::string& command) {
    const auto text = "{\"execute\":\"" + command + "\"}\n";
    ASSERT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    for (seen.clear(); seen.find("\"return\"") == std::string::npos;) {
      char buffer[4096];
      const auto size = ::recv(socket.get(), buffer, sizeof(buffer), 0);
      ASSERT_GT(size, 0);
      seen.append(buffer, static_cast<std::size_t>(size));
    }
  };
  say("qmp_capabilities");
  for (int i = 0; i < rounds; ++i) {
    say("stop");
    say("cont");
  }
}

using Told = std::vector<std::pair<std::string, std::chrono::system_clock::time_point>>;

Told all_of(EventQueue& queue) {
  Told told;
  while (const auto event = queue.next(20s)) {
    // The end is this handle's own word, with a time of its own.
    if (event->name == "STOP" || event->name == "RESUME") told.emplace_back(event->name, event->time);
  }
  EXPECT_EQ(queue.dropped(), 0U);
  return told;
}

TEST_F(Monitor, TakingTheVmOverLosesAndRepeatsNoEvent) {
  {
    const auto creator = runtime_->create(config(), "vm");
    creator->start(30s);
  }
  const auto watcher = runtime_->attach("vm", 5s);
  const auto owner = runtime_->attach("vm", 5s);
  const auto watched = watcher->events();
  const auto owned = owner->events();
  auto changing = std::async(std::launch::async, [&] { stop_and_go(folder() / "qmp-observer.sock", 150); });
  for (int i = 0; i < 10; ++i) {
    owner->resume(20s);
    owner->disconnect();
  }
  changing.get();
  owner->resume(20s);
  owner->stop({.force = true}, 20s);
  (void)watcher->wait_exit(20s);
  const auto told = all_of(*owned);
  EXPECT_EQ(told, all_of(*watched));
  EXPECT_GT(told.size(), 100U);
}

}  // namespace
}  // namespace visor::test

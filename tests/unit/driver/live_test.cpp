// SPDX-License-Identifier: Apache-2.0
// A VM while it lives: its states, its events, and a QEMU that fails while it is asked something.
#include "fixture.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace visor::sdk {
namespace {

using LiveTest = DriverTest;

/// The names of the events up to and with this one.
std::string names_until(EventQueue& events, std::string_view last) {
  std::string names;
  while (const auto event = events.next(limit)) {
    names += event->name + ' ';
    if (event->name == last) break;
  }
  return names;
}

TEST_F(LiveTest, RunsPausesAndResumes) {
  const auto vm = create();
  EXPECT_EQ(vm->status(limit).state, VmState::created);
  const auto events = vm->events();
  vm->start(limit);
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  vm->pause(limit);
  vm->pause(limit);
  EXPECT_EQ(vm->status(limit).state, VmState::paused);
  vm->resume(limit);
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  vm->check(limit);
  EXPECT_EQ(to_string(vm->stop({}, limit).rung), "guest");
  EXPECT_EQ(names_until(*events, "SHUTDOWN"), "RESUME STOP RESUME POWERDOWN SHUTDOWN ");
}

TEST_F(LiveTest, AGuestThatIsNotReadyIsQuoted) {
  auto config = this->config();
  SerialPortConfig port;
  port.id = "p0";
  port.name = "agent";
  config.devices.emplace_back(port);
  config.ready.port = "agent";
  std::filesystem::create_directory(run_dir());
  const auto vm = hypervisor().create(config, "vm", run_dir());
  vm->start(limit);
  std::ofstream{run_dir() / "console.log", std::ios::app} << "Booting\r\n\x1b[31mwaiting for a \"root\"\r\n\r\n";
  const auto text = error_of([&] { vm->wait_ready(50ms); }).message();
  EXPECT_NE(text.find(R"(the last line on its console: '\x1b[31mwaiting for a \"root\"')"), std::string::npos) << text;
  vm->stop({.force = true}, limit);
}

TEST_F(LiveTest, ADeviceThatCannotBeRecordedIsNotAdded) {
  const auto vm = create();
  SerialPortConfig port;
  port.id = "p0";
  port.name = "port";
  const auto aside = run_dir().string() + ".aside";
  std::filesystem::rename(run_dir(), aside);
  (void)error_of([&] { vm->add_device(port); });
  (void)error_of([&] { vm->stop({}, limit); });
  std::filesystem::rename(aside, run_dir());
  EXPECT_TRUE(vm->config().devices.empty());
  EXPECT_EQ(vm->status(limit).state, VmState::created);
  vm->add_device(port);
  EXPECT_EQ(vm->config().devices.size(), 1U);
}

TEST_F(LiveTest, StartsPaused) {
  const auto vm = create();
  vm->start(true, limit);
  EXPECT_EQ(vm->status(limit).state, VmState::paused);
  EXPECT_EQ(vm->status(limit).detail, "prelaunch");
  vm->resume(limit);
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  vm->stop({.force = true}, limit);
}

TEST_F(LiveTest, KnowsItsThreadsAndProcesses) {
  const auto vm = start();
  const auto threads = vm->thread_ids(limit);
  ASSERT_EQ(threads.size(), 2U);
  EXPECT_EQ(threads[1].index, 1U);
  EXPECT_EQ(threads[1].thread_id, vm->record().hypervisor.pid);
  EXPECT_EQ(vm->pids(), (std::vector<std::int32_t>{vm->record().hypervisor.pid, vm->record().keeper.pid}));
  vm->stop({.force = true}, limit);
  EXPECT_TRUE(vm->pids().empty());
}

TEST_F(LiveTest, TheConsoleShowsWhatTheGuestWasTold) {
  const auto vm = start();
  const auto console = vm->console(limit);
  std::string seen;
  std::array<char, 256> buffer{};
  while (seen.find('\n') == std::string::npos) {
    seen.append(buffer.data(), console->read(buffer.data(), buffer.size(), limit));
  }
  EXPECT_EQ(seen, "fake guest: console=ttyS0 quiet panic=1\r\n");
  vm->stop({.force = true}, limit);
}

TEST_F(LiveTest, AQemuThatDoesNotAnswerIsUnresponsive) {
  const auto vm = start({"query-status=silence"});
  const auto error = error_of([&] { vm->check(limit); });
  EXPECT_EQ(to_string(error.code()), "timeout");
  EXPECT_NE(error.message().find("does not respond"), std::string::npos) << error.what();
  EXPECT_EQ(to_string(vm->stop({}, limit).rung), "guest");
}

TEST_F(LiveTest, ARefusedCommandChangesNothing) {
  const auto vm = start({"stop=error"});
  const auto error = error_of([&] { vm->pause(limit); });
  EXPECT_EQ(to_string(error.code()), "hypervisor_error");
  EXPECT_NE(error.message().find("the fake refuses stop"), std::string::npos) << error.what();
  EXPECT_EQ(vm->status(limit).state, VmState::running);
  vm->stop({.force = true}, limit);
}

TEST_F(LiveTest, APauseHasADeadline) {
  const auto vm = start({"stop=hang"});
  EXPECT_EQ(to_string(error_of([&] { vm->pause(300ms); }).code()), "timeout");
  EXPECT_EQ(to_string(vm->stop({.force = true, .terminate_grace = 50ms}, limit).rung), "kill");
}

TEST_F(LiveTest, AnAttachedHandleSeesTheSame) {
  const auto owner = start();
  const auto observer = hypervisor().attach(owner->record(), limit);
  owner->pause(limit);
  EXPECT_EQ(observer->status(limit).state, VmState::paused);
  EXPECT_EQ(to_string(error_of([&] { observer->resume(300ms); }).code()), "busy");
  owner->disconnect();
  observer->resume(limit);
  EXPECT_EQ(observer->status(limit).state, VmState::running);
  EXPECT_EQ(to_string(observer->stop({}, limit).rung), "guest");
}

}  // namespace
}  // namespace visor::sdk

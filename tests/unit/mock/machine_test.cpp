// SPDX-License-Identifier: Apache-2.0
// A machine alone, with a clock that the test sets.
#include "mock/machine.hpp"

#include "support.hpp"

#include <limits>

namespace visor::mock {
namespace {

TEST(MockMachine, GuestTimeStandsStillWhilePaused) {
  auto machine = a_machine({{"mock.exit_after_ms", "100"}});
  machine.start(false, at_ms(0));
  machine.advance(at_ms(60));
  machine.pause(at_ms(60));
  machine.advance(at_ms(10'000));
  EXPECT_EQ(machine.state, VmState::paused);
  machine.resume(at_ms(10'000));
  machine.advance(at_ms(10'039));
  EXPECT_EQ(machine.state, VmState::running);
  machine.advance(at_ms(10'040));
  EXPECT_EQ(machine.state, VmState::stopped);
}

TEST(MockMachine, AnEffectHappensWhenItWasDueHoweverLateSomebodyLooks) {
  auto machine = a_machine({{"mock.panic_after_ms", "100"}});
  machine.start(false, at_ms(1000));
  machine.advance(at_ms(50'000));
  EXPECT_EQ(machine.state, VmState::failed);
  EXPECT_EQ(machine.exit->cause, ExitCause::guest_panic);
  EXPECT_EQ(machine.exit->time.time_since_epoch(), std::chrono::milliseconds{1100});
}

TEST(MockMachine, TheFirstOfTwoEffectsDecides) {
  auto machine = a_machine({{"mock.crash_after_ms", "20"}, {"mock.exit_after_ms", "10"}});
  machine.start(false, at_ms(0));
  machine.advance(at_ms(1000));
  EXPECT_EQ(machine.exit->cause, ExitCause::guest_shutdown);
  EXPECT_EQ(kinds(machine), "state_changed guest_shutdown state_changed exited");
}

TEST(MockMachine, NextDueIsWhenToLookAgain) {
  auto machine = a_machine({{"mock.exit_after_ms", "100"}});
  EXPECT_EQ(machine.next_due(), Effect::never);
  machine.start(false, at_ms(5));
  machine.advance(at_ms(5));
  EXPECT_EQ(machine.next_due(), std::chrono::milliseconds{105});
  machine.pause(at_ms(50));
  EXPECT_EQ(machine.next_due(), Effect::never);
}

TEST(MockMachine, PoliciesDecideWhatAnEndingIs) {
  VmConfig config;
  config.policy.on_panic = PanicPolicy::pause;
  auto panicked = a_machine({{"mock.panic_after_ms", "1"}}, config);
  panicked.start(false, at_ms(0));
  panicked.advance(at_ms(1));
  EXPECT_EQ(panicked.state, VmState::paused);
  EXPECT_TRUE(panicked.panicked);
  EXPECT_EQ(panicked.detail, "guest-panicked");
  EXPECT_EQ(code_of([&] { panicked.resume(at_ms(2)); }), Errc::invalid_state);

  config = {};
  config.policy.on_shutdown = ShutdownPolicy::pause;
  auto off = a_machine({{"mock.exit_after_ms", "1"}}, config);
  off.start(false, at_ms(0));
  off.advance(at_ms(1));
  EXPECT_EQ(off.detail, "shutdown");

  config = {};
  config.policy.on_reboot = RebootPolicy::reset;
  auto reset = a_machine({{"mock.reset_after_ms", "1"}}, config);
  reset.start(false, at_ms(0));
  reset.advance(at_ms(1));
  EXPECT_EQ(reset.state, VmState::running);
  EXPECT_EQ(reset.console.text, "mock: VM m booted\nmock: VM m booted\n");
}

TEST(MockMachine, ARestartedHostAndADeadCreatorEndIt) {
  auto machine = a_machine();
  machine.start(false, at_ms(0));
  auto now = at_ms(3);
  now.rebooted = true;
  EXPECT_TRUE(machine.advance(now));
  EXPECT_EQ(machine.state, VmState::failed);
  EXPECT_EQ(machine.exit->cause, ExitCause::unknown);

  auto orphan = a_machine();
  orphan.start(true, at_ms(0));
  now = at_ms(3);
  now.creator_gone = true;
  orphan.advance(now);
  EXPECT_EQ(orphan.state, VmState::stopped);
}

TEST(MockMachine, AStartedPausedGuestBootsWithItsFirstRun) {
  auto machine = a_machine();
  machine.start(true, at_ms(0));
  machine.advance(at_ms(100));
  EXPECT_EQ(machine.console.text, "");
  machine.write_console("early\n");
  EXPECT_EQ(machine.console.text, "");
  machine.resume(at_ms(100));
  machine.advance(at_ms(100));
  EXPECT_NE(machine.console.text.find("booted"), std::string::npos);
  EXPECT_NE(machine.console.text.find("early"), std::string::npos);
}

TEST(MockMachine, ReadinessSpeaksOnTheConsoleAndThePort) {
  VmConfig config;
  config.ready.console_line = "login:";
  config.ready.port = "org.visorkit.agent";
  auto machine = a_machine({{"mock.ready_after_ms", "10"}}, config);
  machine.start(false, at_ms(0));
  machine.advance(at_ms(9));
  EXPECT_FALSE(machine.ready);
  machine.advance(at_ms(10));
  EXPECT_TRUE(machine.ready);
  EXPECT_EQ(kinds(machine), "state_changed port_opened guest_ready");
  EXPECT_NE(machine.console.text.find("login:\n"), std::string::npos);
}

TEST(MockMachine, ConsoleAndJournalAreBounded) {
  auto machine = a_machine();
  machine.start(false, at_ms(0));
  machine.advance(at_ms(0));
  const std::string line(1000, 'x');
  for (int i = 0; i < 100; ++i) machine.write_console(line);
  EXPECT_EQ(machine.console.text.size(), ConsoleText::capacity);
  EXPECT_EQ(machine.console.dropped + machine.console.text.size(), 100'018U);
  for (int i = 0; i < 100; ++i) {
    machine.pause(at_ms(i));
    machine.resume(at_ms(i));
  }
  EXPECT_EQ(machine.journal.entries.size(), Journal::capacity);
  EXPECT_EQ(machine.journal.entries.back().sequence + 1, machine.journal.next);
}

TEST(MockMachine, TheRecordHoldsAllOfIt) {
  VmConfig config;
  DiskConfig disk;
  disk.id = "data0";
  disk.path = "/nowhere";
  config.devices = {disk};
  auto machine = a_machine({{"mock.unplug", "pending"}, {"mock.exit_after_ms", "500"}}, config);
  machine.start(false, at_ms(1));
  machine.advance(at_ms(1));
  machine.resize_vcpus(3);
  machine.resize_memory(300, 128);
  machine.request_unplug("data0", at_ms(2));
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  machine.write_console(bytes);
  machine.pause(at_ms(3));
  machine.write_console(bytes);
  ExitRecord exit;
  exit.cause = ExitCause::signal;
  exit.signal = 9;
  exit.text = "gone";
  machine.end(exit, at_ms(4).wall);
  auto record = machine.record;
  record.blob = machine_blob(machine);
  const auto copy = machine_from_record(record);
  EXPECT_EQ(machine_blob(copy), record.blob);
  EXPECT_EQ(copy.console.text, machine.console.text);
  EXPECT_EQ(copy.console.input, bytes);
  EXPECT_EQ(copy.exit->signal, 9);
  EXPECT_EQ(copy.vcpu_count(), 3U);
}

TEST(MockMachine, ADamagedRecordIsRefused) {
  auto machine = a_machine();
  auto record = machine.record;
  const auto blob = machine_blob(machine);
  for (const auto& [key, value] : blob.as_map()) {
    for (const auto& wrong : {Value{3.5}, Value{std::numeric_limits<std::uint64_t>::max()}}) {
      if (value.is_null()) continue;
      record.blob = blob;
      record.blob.set(key, wrong);
      EXPECT_EQ(code_of([&] { (void)machine_from_record(record); }), Errc::invalid_config) << key;
    }
  }
  record.blob = {};
  EXPECT_EQ(code_of([&] { (void)machine_from_record(record); }), Errc::invalid_config);
}

TEST(MockDevices, AddressesAreTheLowestFreeOfTheirBus) {
  auto machine = a_machine();
  SerialPortConfig port;
  port.id = "p";
  DiskConfig nvdimm;
  nvdimm.id = "n";
  nvdimm.bus = DiskBus::nvdimm;
  PanicConfig panic;
  panic.id = "panic0";
  RngConfig rng;
  rng.id = "r";
  EXPECT_EQ(machine.add_device(rng).address, "0000:00:02.0");
  EXPECT_EQ(machine.add_device(port).address, "1");
  EXPECT_EQ(machine.add_device(nvdimm).address_kind, "slot");
  EXPECT_EQ(machine.add_device(panic).address_kind, "");
  rng.id = "s";
  EXPECT_EQ(machine.add_device(rng).address, "0000:00:03.0");
  machine.remove_device("r");
  rng.id = "t";
  EXPECT_EQ(machine.add_device(rng).address, "0000:00:02.0");
}

TEST(MockDevices, MadeUpIdsAreNeverUsedAgain) {
  auto machine = a_machine();
  const auto first = machine.add_device(RngConfig{}).id;
  machine.remove_device(first);
  EXPECT_NE(machine.add_device(RngConfig{}).id, first);
}

TEST(MockDevices, TheLimitNamesItself) {
  auto machine = a_machine({{"mock.device_slots", "1"}});
  machine.add_device(RngConfig{});
  EXPECT_EQ(code_of([&] { machine.add_device(RngConfig{}); }), Errc::exhausted);
  EXPECT_EQ(machine.record.config.devices.size(), 1U);
}

TEST(MockDevices, APendingUnplugGoesAfterItsGuestTime) {
  auto machine = a_machine({{"mock.unplug", "pending"}, {"mock.unplug_after_ms", "50"}, {"mock.unplug.r", "refuse"}});
  RngConfig rng;
  rng.id = "g";
  machine.add_device(rng);
  rng.id = "r";
  machine.add_device(rng);
  machine.start(false, at_ms(0));
  machine.request_unplug("g", at_ms(10));
  machine.request_unplug("g", at_ms(40));  // asking again does not start over
  machine.request_unplug("r", at_ms(40));
  machine.advance(at_ms(59));
  EXPECT_TRUE(machine.unplug_pending("g"));
  EXPECT_FALSE(machine.unplug_pending("r"));
  EXPECT_TRUE(machine.has_device("r"));
  machine.advance(at_ms(60));
  EXPECT_FALSE(machine.has_device("g"));
  EXPECT_EQ(kinds(machine), "state_changed unplug_refused device_removed");
}

TEST(MockDevices, VcpusGoInReverseOrderAndKeepTheirNumbersToThemselves) {
  auto machine = a_machine();
  machine.resize_vcpus(4);
  EXPECT_EQ(machine.vcpus, (std::vector<std::uint32_t>{1, 2, 3}));
  machine.resize_vcpus(2);
  EXPECT_EQ(machine.vcpus, (std::vector<std::uint32_t>{1}));
  machine.resize_vcpus(3);
  EXPECT_EQ(machine.vcpus, (std::vector<std::uint32_t>{1, 4}));
}

TEST(MockDevices, MemoryTakesSlots) {
  auto machine = a_machine();
  machine.record.config.memory.slots = 2;
  machine.resize_memory(384, 128);
  machine.resize_memory(512, 128);
  EXPECT_EQ(code_of([&] { machine.resize_memory(640, 128); }), Errc::exhausted);
  EXPECT_EQ(machine.memory_total_mib(), 512U);
  machine.resize_memory(384, 128);
  EXPECT_EQ(machine.resize_memory(1024, 128).achieved_mib, 1024U);
}

TEST(MockDevices, MemoryRoundsUpButNotBeyondTheLimit) {
  auto machine = a_machine();
  const auto result = machine.resize_memory(1000, 512);
  EXPECT_EQ(result.requested_mib, 1000U);
  EXPECT_EQ(result.achieved_mib, 768U);
}

}  // namespace
}  // namespace visor::mock

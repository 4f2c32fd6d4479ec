// SPDX-License-Identifier: Apache-2.0
// What an unplug comes to, on a machine whose guest does not answer.
#include "visor/sdk/qmp/unplug.hpp"
#include "machine.hpp"
#include "visor/sdk/hotplug/plug.hpp"
#include "visor/sdk/qmp/commands/block.hpp"
#include "visor/sdk/qmp/transaction.hpp"

#include <future>
#include <thread>

namespace visor::test {
namespace {

class Unplugging : public MachineTest {
 protected:
  Unplugging() {
    on_event_ = [this](const Event& event) { registry_.hear(event); };
  }
  [[nodiscard]] sdk::VirtioBlk disk() const {
    return {.id = "d0",
            .backing = {.path = make_file("disk", 1U << 20U)},
            .transport = GetParam().transport,
            .place = GetParam().place};
  }
  sdk::qmp::PendingUnplugs registry_;
};

/// The default hotplug of amd64, by ACPI: only the guest's own code lets go of a device, or a reset.
class UnpluggingByAcpi : public Unplugging {};

TEST_P(UnpluggingByAcpi, OneThatTheGuestNeverAnswersEndsAtAReset) {
  start({"-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=on"});
  sdk::hotplug::plug(*client_, disk(), plenty);
  EXPECT_EQ(registry_.unplug(*client_, "d0", 300ms).outcome, UnplugOutcome::pending);
  // The second time QEMU says that it is in the process already.
  EXPECT_EQ(registry_.unplug(*client_, "d0", 300ms).outcome, UnplugOutcome::pending);
  EXPECT_EQ(registry_.pending(), std::vector<std::string>{"d0"});
  EXPECT_TRUE(has_device("d0"));
  const sdk::qmp::EventMatch match{"DEVICE_DELETED", [](const Event& event) { return event.data.find("device"); }};
  (void)client_->call_and_wait({"system_reset"}, match, plenty);
  EXPECT_EQ(sdk::hotplug::unplug(*client_, disk(), plenty).outcome, UnplugOutcome::gone);
  EXPECT_EQ(registry_.find("d0")->outcome, UnplugOutcome::gone);
  EXPECT_FALSE(has_node("node-d0"));
}

TEST_P(UnpluggingByAcpi, OneThatIsWaitedForEndsAtAResetAsWell) {
  start({"-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=on"});
  sdk::hotplug::plug(*client_, disk(), plenty);
  const auto before = client_->counters().sent;
  auto unplugging =
      std::async(std::launch::async, [&] { return sdk::hotplug::unplug(*client_, disk(), plenty).outcome; });
  while (client_->counters().sent == before && unplugging.wait_for(0s) != std::future_status::ready) {
    std::this_thread::yield();
  }
  (void)client_->execute("system_reset", plenty);  // behind device_del
  EXPECT_EQ(unplugging.get(), UnplugOutcome::gone);
  EXPECT_FALSE(has_node("node-d0"));
}

class OnPcie : public Unplugging {};

TEST_P(OnPcie, WhatCannotGoIsRefused) {
  start();
  const auto report = sdk::qmp::unplug(*client_, "s0", plenty);
  EXPECT_EQ(report.outcome, UnplugOutcome::refused);
  EXPECT_EQ(report.reason, "QEMU refused: Bus 'pcie.0' does not support hotplugging");
  EXPECT_TRUE(has_device("s0"));
}

TEST_P(Unplugging, AStepWhoseAnswerIsNotWaitedForIsUndone) {
  start();
  // The call is cancelled as soon as device_add is on its way: whether it was answered by then is left to chance.
  const auto node = disk().node().to_value();
  const std::vector<sdk::qmp::Step> steps = {
      {{"blockdev-add", node}, {"blockdev-del", Value::map({{"node-name", "node-d0"}})}},
      {{"device_add", disk().properties().to_value()}, {"device_del", Value::map({{"id", "d0"}})}}};
  for (int i = 0; i < 5; ++i) {
    CancelSource source;
    const auto before = client_->counters().sent;
    auto running = std::async(std::launch::async, [&] {
      const CallContext call{std::chrono::steady_clock::now() + plenty, source.token()};
      return error_of([&] { sdk::qmp::run_transaction(*client_, steps, call, plenty); });
    });
    while (client_->counters().sent < before + 2 && running.wait_for(0s) != std::future_status::ready) {
      std::this_thread::yield();
    }
    source.cancel();
    const auto error = running.get();
    if (!error) {
      EXPECT_EQ(sdk::hotplug::unplug(*client_, disk(), plenty).outcome, UnplugOutcome::gone);
    } else {
      EXPECT_EQ(error->code(), Errc::cancelled);
      EXPECT_EQ(error->message().find("undone"), std::string::npos) << error->message();
    }
    EXPECT_FALSE(has_device("d0"));
    EXPECT_FALSE(has_node("node-d0"));
  }
}

/// QEMU finds what is to be undone behind what it did not answer.
TEST_P(Unplugging, WhatAHangingQemuDidNotAnswerCanBeDoneAgain) {
  start();
  qemu_->freeze();
  const auto error = error_of([&] { sdk::hotplug::plug(*client_, disk(), 200ms); });
  qemu_->thaw();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::timeout);
  EXPECT_NE(error->message().find("could not be undone: blockdev-del node-d0"), std::string::npos);
  sdk::hotplug::plug(*client_, disk(), plenty);
  EXPECT_TRUE(has_device("d0"));
  qemu_->freeze();
  EXPECT_EQ(registry_.unplug(*client_, "d0", 200ms).outcome, UnplugOutcome::pending);
  qemu_->thaw();
  EXPECT_EQ(sdk::hotplug::unplug(*client_, disk(), plenty).outcome, UnplugOutcome::gone);
  EXPECT_FALSE(has_node("node-d0"));
  EXPECT_TRUE(registry_.pending().empty());
}

TEST_P(Unplugging, ADeviceThatAHangingQemuDidNotAnswerForCanBePluggedAgain) {
  start();
  sdk::qmp::blockdev_add(*client_, disk().node().to_value(), plenty);
  const std::vector<sdk::qmp::Step> steps = {
      {{"device_add", disk().properties().to_value()}, {"device_del", Value::map({{"id", "d0"}})}}};
  qemu_->freeze();
  const auto error = error_of([&] { sdk::qmp::run_transaction(*client_, steps, 200ms, 200ms); });
  qemu_->thaw();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::timeout);
  EXPECT_NE(error->message().find("could not be undone: device_del d0"), std::string::npos) << error->message();
  EXPECT_FALSE(has_device("d0"));
  // The device is gone at once, its node a little later: unplugging removes both.
  EXPECT_EQ(sdk::hotplug::unplug(*client_, disk(), plenty).outcome, UnplugOutcome::gone);
  EXPECT_FALSE(has_node("node-d0"));
  sdk::hotplug::plug(*client_, disk(), plenty);
  EXPECT_EQ(sdk::hotplug::unplug(*client_, disk(), plenty).outcome, UnplugOutcome::gone);
  EXPECT_FALSE(has_node("node-d0"));
}

bool is_pcie(const Machine& machine) { return machine.place.bus == "rp0"; }
INSTANTIATE_TEST_SUITE_P(On, Unplugging, testing::ValuesIn(machines()), name_of);
INSTANTIATE_TEST_SUITE_P(On, UnpluggingByAcpi, testing::ValuesIn(machines(is_amd64)), name_of);
INSTANTIATE_TEST_SUITE_P(On, OnPcie, testing::ValuesIn(machines(is_pcie)), name_of);

}  // namespace
}  // namespace visor::test

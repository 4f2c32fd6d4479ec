// SPDX-License-Identifier: Apache-2.0
// Devices: before the start, and plugged and unplugged while the VM runs.
#include "fixture.hpp"

#include <algorithm>
#include <cstring>

namespace visor::conformance {
namespace {

VISOR_CONFORMANCE_SUITE(Devices);
VISOR_CONFORMANCE_SUITE(Hotplug);

constexpr Feature hotplug_features[] = {Feature::hotplug_disk,  Feature::hotplug_nic,  Feature::hotplug_serial_port,
                                        Feature::hotplug_vsock, Feature::hotplug_vfio, Feature::hotplug_vhost_user};

DeviceConfig disk(const Subject& subject, const std::string& id, const std::filesystem::path& scratch) {
  return *device_for(subject, Feature::hotplug_disk, id, scratch);
}

template <class Device>
Device a_device(std::string id) {
  Device device;
  device.id = std::move(id);
  return device;
}

bool has_device(Vm& vm, const std::string& id) {
  const auto config = vm.config();
  return std::ranges::any_of(config.devices, [&](const auto& device) { return device_id(device) == id; });
}

TEST_P(Devices, AddedOnesAreInTheConfigurationAndStart) {
  VISOR_NEEDS(Feature::add_device);
  const auto vm = create();
  vm->add_device(disk(subject(), "data0", scratch()));
  vm->add_device(disk(subject(), "data1", scratch()));
  EXPECT_TRUE(has_device(*vm, "data0"));
  EXPECT_TRUE(has_device(*vm, "data1"));
  EXPECT_EQ(vm->record().config, vm->config());
  vm->start(quick());
  EXPECT_EQ(vm->config().devices.size(), 2U);
}

TEST_P(Devices, AnIdIsTakenOnce) {
  VISOR_NEEDS(Feature::add_device);
  const auto vm = create();
  vm->add_device(disk(subject(), "data0", scratch()));
  const auto before = picture(*vm);
  const auto message = error_of(Errc::already_exists, [&] { vm->add_device(a_device<RngConfig>("data0")); });
  EXPECT_NE(message.find("data0"), std::string::npos);
  EXPECT_EQ(picture(*vm), before);
}

TEST_P(Devices, WithoutAnIdOneIsMadeUp) {
  VISOR_NEEDS(Feature::add_device);
  const auto vm = create();
  vm->add_device(disk(subject(), "", scratch()));
  vm->add_device(disk(subject(), "", scratch()));
  const auto devices = vm->config().devices;
  ASSERT_EQ(devices.size(), 2U);
  EXPECT_FALSE(device_id(devices[0]).empty());
  EXPECT_NE(device_id(devices[0]), device_id(devices[1]));
}

TEST_P(Devices, AnIncompleteOneIsRefused) {
  VISOR_NEEDS(Feature::add_device);
  const auto vm = create();
  const auto before = picture(*vm);
  error_of(Errc::invalid_config, [&] { vm->add_device(a_device<DiskConfig>("nothing")); });
  EXPECT_EQ(picture(*vm), before);
}

TEST_P(Hotplug, EveryTypeComesAndGoes) {
  const auto vm = started();
  if (subject().await_guest) subject().await_guest(*vm, patient());
  for (const auto feature : hotplug_features) {
    if (!claims(feature)) continue;
    const auto device = device_for(subject(), feature, "hot0", scratch());
    if (!device) continue;
    SCOPED_TRACE(to_string(feature));
    const auto result = vm->hotplug_add(*device, quick());
    EXPECT_EQ(result.id, "hot0");
    EXPECT_EQ(result.address.empty(), result.address_kind.empty());
    EXPECT_TRUE(has_device(*vm, "hot0"));
    EXPECT_EQ(to_string(vm->hotplug_remove("hot0", patient())), to_string(UnplugOutcome::gone));
    EXPECT_FALSE(has_device(*vm, "hot0"));
  }
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Hotplug, WhatFailsLeavesNothing) {
  VISOR_NEEDS(Feature::hotplug_disk);
  const auto vm = started();
  vm->hotplug_add(disk(subject(), "data0", scratch()), quick());
  const auto before = picture(*vm);
  error_of(Errc::already_exists, [&] { vm->hotplug_add(disk(subject(), "data0", scratch()), quick()); });
  error_of(Errc::invalid_config, [&] { vm->hotplug_add(a_device<DiskConfig>("nothing"), quick()); });
  error_of(Errc::not_found, [&] { vm->hotplug_remove("nothing", quick()); });
  EXPECT_EQ(picture(*vm), before);
}

TEST_P(Hotplug, WhatCanOnlyBeThereFromTheStartIsUnsupported) {
  const auto vm = started();
  const auto before = picture(*vm);
  EXPECT_NE(error_of(Errc::unsupported, [&] { vm->hotplug_add(a_device<PanicConfig>("late"), quick()); }).find("panic"),
            std::string::npos);
  EXPECT_EQ(picture(*vm), before);
}

TEST_P(Hotplug, AddressesDifferAndComeFreeAgain) {
  VISOR_NEEDS(Feature::hotplug_disk);
  const auto vm = started();
  if (subject().await_guest) subject().await_guest(*vm, patient());
  const auto first = vm->hotplug_add(disk(subject(), "a", scratch()), quick());
  const auto second = vm->hotplug_add(disk(subject(), "b", scratch()), quick());
  EXPECT_NE(first.address, second.address);
  ASSERT_EQ(vm->hotplug_remove("a", patient()), UnplugOutcome::gone);
  EXPECT_NO_THROW(vm->hotplug_add(disk(subject(), "a", scratch()), quick()));
}

TEST_P(Hotplug, ADeviceFromTheStartCanGo) {
  VISOR_NEEDS(Feature::hotplug_disk);
  auto config = subject().config;
  auto cold = disk(subject(), "cold0", scratch());
  if (auto* const device = std::get_if<DiskConfig>(&cold)) device->bus = subject().removable_bus;
  config.devices.push_back(cold);
  const auto vm = started(config);
  if (subject().await_guest) subject().await_guest(*vm, patient());
  EXPECT_EQ(vm->hotplug_remove("cold0", patient()), UnplugOutcome::gone);
  EXPECT_FALSE(has_device(*vm, "cold0"));
}

TEST_P(Hotplug, AnEventTellsThatADeviceIsGone) {
  VISOR_NEEDS(Feature::hotplug_disk);
  VISOR_NEEDS(Feature::events);
  const auto vm = started();
  if (subject().await_guest) subject().await_guest(*vm, patient());
  vm->hotplug_add(disk(subject(), "data0", scratch()), quick());
  const auto queue = vm->events();
  ASSERT_EQ(vm->hotplug_remove("data0", patient()), UnplugOutcome::gone);
  auto event = queue->next(quick());
  while (event && event->kind != EventKind::device_removed) event = queue->next(quick());
  ASSERT_TRUE(event);
  EXPECT_EQ(event->data.at("device").as_string(), "data0");
}

TEST_P(Hotplug, ARefusalLeavesTheDeviceAndMayBeRepeated) {
  VISOR_NEEDS(Feature::hotplug_disk);
  VISOR_NEEDS_FROM_SUBJECT(refusing_unplug);
  auto config = subject().config;
  subject().refusing_unplug(config);
  const auto vm = started(config);
  if (subject().await_guest) subject().await_guest(*vm, patient());
  vm->hotplug_add(disk(subject(), "data0", scratch()), quick());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(to_string(vm->hotplug_remove("data0", patient())), to_string(UnplugOutcome::refused));
    EXPECT_TRUE(has_device(*vm, "data0"));
  }
}

TEST_P(Hotplug, AGuestThatDoesNotAnswerLeavesItPending) {
  VISOR_NEEDS(Feature::hotplug_disk);
  VISOR_NEEDS_FROM_SUBJECT(silent_unplug);
  auto config = subject().config;
  subject().silent_unplug(config);
  const auto vm = started(config);
  vm->hotplug_add(disk(subject(), "data0", scratch()), quick());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(to_string(vm->hotplug_remove("data0", moment())), to_string(UnplugOutcome::pending));
    EXPECT_TRUE(has_device(*vm, "data0"));
  }
  EXPECT_EQ(state_of(*vm), VmState::running);
}

TEST_P(Hotplug, AGuestThatStandsStillLetsGoWhenItRunsAgain) {
  VISOR_NEEDS(Feature::hotplug_disk);
  VISOR_NEEDS(Feature::pause);
  VISOR_NEEDS(Feature::resume);
  const auto vm = started();
  if (subject().await_guest) subject().await_guest(*vm, patient());
  vm->pause(quick());
  vm->hotplug_add(disk(subject(), "data0", scratch()), quick());
  const auto asked = vm->hotplug_remove("data0", moment());
  EXPECT_NE(to_string(asked), to_string(UnplugOutcome::refused));
  vm->resume(quick());
  if (asked == UnplugOutcome::gone) {  // a guest that had not looked at it yet need not let go
    EXPECT_FALSE(has_device(*vm, "data0"));
    return;
  }
  // It may have gone already: then it is not known any more.
  try {
    EXPECT_EQ(vm->hotplug_remove("data0", patient()), UnplugOutcome::gone);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::not_found) << error.what();
  }
  EXPECT_FALSE(has_device(*vm, "data0"));
}

TEST_P(Hotplug, WhatDoesNotFitIsExhausted) {
  VISOR_NEEDS(Feature::hotplug_disk);
  if (subject().too_many_disks == 0) GTEST_SKIP() << subject().name << " describes no limit";
  const auto vm = started();
  std::string message;
  for (unsigned i = 0; i < subject().too_many_disks && message.empty(); ++i) {
    const auto device = disk(subject(), "d" + std::to_string(i), scratch());
    try {
      vm->hotplug_add(device, quick());
    } catch (const Error& error) {
      EXPECT_EQ(to_string(error.code()), "exhausted") << error.what();
      message = error.message();
      EXPECT_FALSE(has_device(*vm, device_id(device)));
    }
  }
  EXPECT_NE(std::strpbrk(message.c_str(), "0123456789"), nullptr) << "the limit is not named: " << message;
  EXPECT_EQ(state_of(*vm), VmState::running);
}

}  // namespace
}  // namespace visor::conformance

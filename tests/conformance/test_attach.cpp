// SPDX-License-Identifier: Apache-2.0
// Handles come and go; the VM, its state and its devices stay. One handle at a time may change it.
#include "fixture.hpp"

#include <unistd.h>

namespace visor::conformance {
namespace {

VISOR_CONFORMANCE_SUITE(Attach);

TEST_P(Attach, UnclaimedIsUnsupported) {
  if (claims(Feature::attach)) GTEST_SKIP() << subject().name << " claims attach";
  const auto vm = create();
  EXPECT_NE(error_of(Errc::unsupported, [&] { attach(*vm); }).find("attach"), std::string::npos);
}

TEST_P(Attach, FindsEveryState) {
  VISOR_NEEDS(Feature::attach);
  for (const auto state : {VmState::created, VmState::running, VmState::paused, VmState::stopped, VmState::failed}) {
    SCOPED_TRACE(to_string(state));
    auto vm = in_state(state, subject().config);
    if (!vm) continue;
    const auto config = vm->config();
    const auto record = vm->record();
    vm.reset();
    const auto again = hypervisor().attach(record, quick());
    EXPECT_EQ(to_string(state_of(*again)), to_string(state));
    EXPECT_EQ(again->id(), record.id);
    EXPECT_EQ(again->config(), config);
    EXPECT_EQ(again->capabilities().list(), hypervisor().capabilities(config).list());
  }
}

TEST_P(Attach, ANewHandleGoesOnWhereTheOldOneStopped) {
  VISOR_NEEDS(Feature::attach);
  auto vm = started();
  const auto record = vm->record();
  vm.reset();
  const auto again = hypervisor().attach(record, quick());
  if (claims(Feature::pause)) {
    again->pause(quick());
    EXPECT_EQ(state_of(*again), VmState::paused);
  }
  EXPECT_EQ(again->stop({.force = true}, quick()).exit.cause, ExitCause::stopped);
}

TEST_P(Attach, DevicesAddedSinceTheStartAreThere) {
  VISOR_NEEDS(Feature::attach);
  VISOR_NEEDS(Feature::hotplug_disk);
  auto vm = started();
  vm->hotplug_add(*device_for(subject(), Feature::hotplug_disk, "data0", scratch()), quick());
  if (claims(Feature::resize_vcpus)) vm->resize_vcpus(vm->config().cpu.count + 1, quick());
  const auto config = vm->config();
  const auto vcpus = config.cpu.count + 1;
  const auto record = vm->record();
  vm.reset();
  const auto again = hypervisor().attach(record, quick());
  EXPECT_EQ(again->config(), config);
  if (claims(Feature::resize_vcpus)) {
    EXPECT_EQ(again->resize_vcpus(vcpus, quick()).before, vcpus);
  }
  error_of(Errc::already_exists,
           [&] { again->hotplug_add(*device_for(subject(), Feature::hotplug_disk, "data0", scratch()), quick()); });
}

TEST_P(Attach, ANewerRecordIsUnsupported) {
  VISOR_NEEDS(Feature::attach);
  const auto vm = create();
  auto record = vm->record();
  record.version = VmRecord::current_version + 1;
  const auto message = error_of(Errc::unsupported, [&] { hypervisor().attach(record, quick()); });
  EXPECT_NE(message.find(std::to_string(record.version)), std::string::npos) << message;
}

TEST_P(Attach, NothingLeftIsNotFound) {
  VISOR_NEEDS(Feature::attach);
  auto vm = in_state(VmState::stopped, subject().config);
  const auto record = vm->record();
  vm.reset();
  std::filesystem::remove_all(record.run_dir);
  error_of(Errc::not_found, [&] { hypervisor().attach(record, quick()); });
}

TEST_P(Attach, AnotherPluginsRecordIsRefused) {
  VISOR_NEEDS(Feature::attach);
  const auto vm = create();
  auto record = vm->record();
  record.plugin = "no-such-plugin";
  error_of(Errc::invalid_config, [&] { hypervisor().attach(record, quick()); });
}

TEST_P(Attach, BesideTheOwnerOneMayLookButNotChange) {
  VISOR_NEEDS(Feature::attach);
  VISOR_NEEDS(Feature::pause);
  const auto owner = started();
  const auto other = attach(*owner);
  EXPECT_EQ(state_of(*other), VmState::running);
  EXPECT_EQ(other->config(), owner->config());
  if (claims(Feature::console)) {
    EXPECT_NE(other->console(quick()), nullptr);
  }
  if (claims(Feature::events)) {
    EXPECT_NE(other->events(), nullptr);
  }
  if (claims(Feature::check)) {
    EXPECT_NO_THROW(other->check(quick()));
  }
  const auto message = error_of(Errc::busy, [&] { other->pause(moment()); });
  EXPECT_NE(message.find(std::to_string(::getpid())), std::string::npos) << "the owner's pid is not named: " << message;
  EXPECT_EQ(state_of(*owner), VmState::running);
  owner->pause(quick());
  EXPECT_EQ(state_of(*other), VmState::paused) << "what the owner did is not seen";
}

TEST_P(Attach, AWaitForTheOwnerIsCancellable) {
  VISOR_NEEDS(Feature::attach);
  VISOR_NEEDS(Feature::pause);
  const auto owner = started();
  const auto other = attach(*owner);
  CancelSource source;
  source.cancel();
  const CallContext call{std::chrono::steady_clock::now() + subject().call_limit, source.token()};
  error_of(Errc::cancelled, [&] { other->pause(call); });
}

TEST_P(Attach, AnybodyMayStop) {
  VISOR_NEEDS(Feature::attach);
  const auto owner = started();
  const auto other = attach(*owner);
  const auto result = other->stop({.force = true}, quick());
  EXPECT_NE(result.rung, StopRung::already_stopped);
  EXPECT_EQ(result.exit.cause, ExitCause::stopped);
  EXPECT_EQ(owner->wait_exit(quick()).cause, ExitCause::stopped);
  EXPECT_EQ(state_of(*owner), VmState::stopped);
}

TEST_P(Attach, WhoDisconnectsLetsTheNextOneChange) {
  VISOR_NEEDS(Feature::attach);
  VISOR_NEEDS(Feature::pause);
  const auto first = started();
  const auto second = attach(*first);
  first->disconnect();
  first->disconnect();
  second->pause(quick());
  EXPECT_EQ(state_of(*second), VmState::paused);
  const auto third = attach(*second);
  error_of(Errc::busy, [&] { third->pause(moment()); });
}

}  // namespace
}  // namespace visor::conformance

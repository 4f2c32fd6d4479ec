// SPDX-License-Identifier: Apache-2.0
// Every method in every state: what the state does not allow and what the plugin does not claim is refused, says so,
// and changes nothing.
#include "fixture.hpp"
#include "methods.hpp"

#include <algorithm>

namespace visor::conformance {
namespace {

VISOR_CONFORMANCE_SUITE(States);

bool refused_in(const Method& method, VmState state) {
  return !contains(method.allowed, state) && !contains(method.waits, state) && !contains(method.complains, state);
}

void expect_names(const std::string& message, std::string_view word) {
  EXPECT_NE(message.find(word), std::string::npos) << '"' << message << "\" does not name " << word;
}

bool names_one_of(const std::string& message, const std::vector<VmState>& states) {
  return std::ranges::any_of(states,
                             [&](VmState state) { return message.find(to_string(state)) != std::string::npos; });
}

/// Both states stand in the message: the one that the VM is in and one in which the call would be allowed.
void expect_invalid_state(Vm& vm, const Method& method, VmState state, const CallContext& call) {
  const auto message = error_of(Errc::invalid_state, [&] { method.call(vm, call); });
  expect_names(message, to_string(state));
  EXPECT_TRUE(names_one_of(message, method.allowed)) << message;
}

void expect_unsupported(Vm& vm, const Method& method, const CallContext& call) {
  expect_names(error_of(Errc::unsupported, [&] { method.call(vm, call); }), to_string(*method.feature));
}

TEST_P(States, EachIsReached) {
  VISOR_FOR_EACH_STATE(state, vm) { EXPECT_EQ(to_string(state_of(*vm)), to_string(state)); }
}

TEST_P(States, WhatTheStateForbidsIsRefused) {
  VISOR_FOR_EACH_HANDLE(state, vm) {
    const auto before = picture(*vm);
    for (const auto& method : methods(subject(), scratch())) {
      if (!refused_in(method, state) || !claimed(method, *vm)) continue;
      SCOPED_TRACE(method.name + " while " + std::string{to_string(state)});
      expect_invalid_state(*vm, method, state, quick());
    }
    EXPECT_EQ(picture(*vm), before);
  }
}

TEST_P(States, WhatIsNotClaimedIsUnsupportedInEach) {
  VISOR_FOR_EACH_STATE(state, vm) {
    const auto before = picture(*vm);
    for (const auto& method : methods(subject(), scratch())) {
      if (claimed(method, *vm)) continue;
      SCOPED_TRACE(method.name + " while " + std::string{to_string(state)});
      expect_unsupported(*vm, method, quick());
    }
    EXPECT_EQ(picture(*vm), before);
  }
}

TEST_P(States, WhatIsAllowedWorks) {
  VISOR_FOR_EACH_HANDLE(state, vm) {
    if (state == VmState::running && subject().await_guest) subject().await_guest(*vm, patient());
    for (const auto& method : methods(subject(), scratch())) {
      if (!contains(method.allowed, state_of(*vm)) || !claimed(method, *vm)) continue;
      // Only a guest that has booted gets ready and lets go of a device.
      const bool needs_guest = method.name == "wait_ready" || method.name == "hotplug_remove";
      if (needs_guest && state != VmState::running) continue;
      SCOPED_TRACE(method.name + " while " + std::string{to_string(state)});
      EXPECT_NO_THROW(method.call(*vm, needs_guest ? patient() : quick()));
    }
    EXPECT_TRUE(state_of(*vm) == VmState::stopped || state == VmState::failed);
  }
}

TEST_P(States, WhatWaitsEndsWithItsDeadlineAndWhatComplainsSaysWhy) {
  VISOR_FOR_EACH_STATE(state, vm) {
    const auto before = picture(*vm);
    for (const auto& method : methods(subject(), scratch())) {
      if (!claimed(method, *vm)) continue;
      SCOPED_TRACE(method.name + " while " + std::string{to_string(state)});
      if (contains(method.waits, state)) error_of(Errc::timeout, [&] { method.call(*vm, moment()); });
      if (contains(method.complains, state)) error_of(Errc::disconnected, [&] { method.call(*vm, quick()); });
    }
    EXPECT_EQ(picture(*vm), before);
  }
}

/// Given up twice, and used again: it finds the VM as it was, and takes the lock for its next change.
TEST_P(States, GivingItUpLeavesTheVmAndTheHandleOfUse) {
  VISOR_FOR_EACH_HANDLE(state, vm) {
    SCOPED_TRACE(to_string(state));
    const auto before = picture(*vm);
    vm->disconnect();
    vm->disconnect();
    EXPECT_EQ(picture(*vm), before);
    if (vm->capabilities().has(Feature::events)) {
      EXPECT_NE(vm->events(), nullptr);
    }
    vm->stop({.force = true}, quick());
    EXPECT_EQ(state_of(*vm), state == VmState::failed ? VmState::failed : VmState::stopped);
  }
}

TEST_P(States, ShrinkingUnclaimedIsUnsupported) {
  const auto vm = in_state(VmState::running, subject().config);
  const auto& booted = subject().config;
  if (claims(Feature::resize_vcpus) && !claims(Feature::shrink_vcpus)) {
    vm->resize_vcpus(booted.cpu.count + 1, quick());
    const auto before = picture(*vm);
    expect_names(error_of(Errc::unsupported, [&] { vm->resize_vcpus(booted.cpu.count, quick()); }), "shrink_vcpus");
    EXPECT_EQ(picture(*vm), before);
  }
  if (claims(Feature::resize_memory) && !claims(Feature::shrink_memory)) {
    vm->resize_memory(booted.memory.max_size_mib, 0, quick());
    const auto before = picture(*vm);
    expect_names(error_of(Errc::unsupported, [&] { vm->resize_memory(booted.memory.size_mib, 0, quick()); }),
                 "shrink_memory");
    EXPECT_EQ(picture(*vm), before);
  }
  EXPECT_EQ(state_of(*vm), VmState::running);
}

}  // namespace
}  // namespace visor::conformance

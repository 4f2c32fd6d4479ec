// SPDX-License-Identifier: Apache-2.0
#include "methods.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

namespace visor::conformance {
namespace {

using enum VmState;
const std::vector<VmState> live = {running, paused};
const std::vector<VmState> always = {created, running, paused, stopped, failed};
const std::vector<VmState> once_started = {running, paused, stopped, failed};
const std::vector<VmState> over = {stopped, failed};
const std::vector<VmState> not_over = {created, running, paused};
const std::vector<VmState> well = {created, running, paused, stopped};

std::vector<Method> constants() {
  return {
      {"id", {}, always, false, [](Vm& vm, const CallContext&) { EXPECT_EQ(vm.id(), vm.record().id); }},
      {"config", {}, always, false, [](Vm& vm, const CallContext&) { EXPECT_EQ(vm.config(), vm.record().config); }},
      {"record", {}, always, false, [](Vm& vm, const CallContext&) { EXPECT_FALSE(vm.record().plugin.empty()); }},
      {"capabilities",
       {},
       always,
       false,
       [](Vm& vm, const CallContext&) { EXPECT_FALSE(vm.capabilities().list().empty()); }},
      {"extension",
       {},
       always,
       false,
       [](Vm& vm, const CallContext&) { EXPECT_EQ(vm.extension("visor.no-such-thing/1"), nullptr); }},
  };
}

std::vector<Method> waits() {
  return {
      {.name = "wait_ready",
       .feature = Feature::wait_ready,
       .allowed = live,
       .call = [](Vm& vm, const CallContext& call) { vm.wait_ready(call); },
       .may_be_late = true},
      {.name = "wait_exit",
       .feature = {},
       .allowed = over,
       .call = [](Vm& vm, const CallContext& call) { vm.wait_exit(call); },
       .waits = not_over,
       .instant = over},
  };
}

std::vector<Method> queries(const Subject& subject) {
  return {
      {.name = "status",
       .feature = Feature::status,
       .allowed = always,
       .call = [](Vm& vm, const CallContext& call) { vm.status(call); },
       .instant = always},
      {.name = "check",
       .feature = Feature::check,
       .allowed = well,
       .call = [](Vm& vm, const CallContext& call) { vm.check(call); },
       .complains = {failed},
       .instant = {created, stopped, failed}},
      {"pids", Feature::pids, always, false, [](Vm& vm, const CallContext&) { (void)vm.pids(); }},
      {"events", Feature::events, always, false, [](Vm& vm, const CallContext&) { vm.events(); }},
      {"thread_ids", Feature::thread_ids, live, true, [](Vm& vm, const CallContext& call) { vm.thread_ids(call); }},
      {"console", Feature::console, subject.console_after_end ? once_started : live, true,
       [](Vm& vm, const CallContext& call) { vm.console(call); }},
      {"disconnect", {}, always, false, [](Vm& vm, const CallContext&) { vm.disconnect(); }},
  };
}

std::vector<Method> hotplug_methods(const Subject& subject, const std::filesystem::path& scratch) {
  using enum Feature;
  std::vector<Method> table;
  for (const auto feature :
       {hotplug_disk, hotplug_nic, hotplug_serial_port, hotplug_vsock, hotplug_vfio, hotplug_vhost_user}) {
    const auto device = device_for(subject, feature, "hot_" + std::string{to_string(feature)}, scratch);
    if (!device) continue;
    table.push_back({"hotplug_add of " + std::string{device_type(*device)}, feature, live, true,
                     [device](Vm& vm, const CallContext& call) { vm.hotplug_add(*device, call); }});
  }
  table.push_back({.name = "hotplug_remove",
                   .feature = hotplug_disk,
                   .allowed = live,
                   .call = [](Vm& vm, const CallContext& call) { vm.hotplug_remove(cold_disk, call); },
                   .may_be_late = true});
  return table;
}

std::vector<Method> changes(const Subject& subject, const std::filesystem::path& scratch) {
  const auto memory = subject.config.memory.size_mib;
  const auto vcpus = subject.config.cpu.count;
  auto added = default_device(Feature::hotplug_disk, "added0", scratch);
  return {
      {"add_device",
       Feature::add_device,
       {created},
       false,
       [added](Vm& vm, const CallContext&) { vm.add_device(*added); }},
      {"start", {}, {created}, true, [](Vm& vm, const CallContext& call) { vm.start(call); }},
      {"resize_memory", Feature::resize_memory, live, true,
       [memory](Vm& vm, const CallContext& call) { vm.resize_memory(memory, 0, call); }},
      {"resize_vcpus", Feature::resize_vcpus, live, true,
       [vcpus](Vm& vm, const CallContext& call) { vm.resize_vcpus(vcpus, call); }},
      {"pause", Feature::pause, live, true, [](Vm& vm, const CallContext& call) { vm.pause(call); }},
      {"resume", Feature::resume, live, true, [](Vm& vm, const CallContext& call) { vm.resume(call); }},
  };
}

}  // namespace

std::vector<Method> methods(const Subject& subject, const std::filesystem::path& scratch) {
  auto table = constants();
  std::ranges::move(queries(subject), std::back_inserter(table));
  std::ranges::move(waits(), std::back_inserter(table));
  std::ranges::move(changes(subject, scratch), std::back_inserter(table));
  std::ranges::move(hotplug_methods(subject, scratch), std::back_inserter(table));
  table.push_back({.name = "stop",
                   .feature = Feature::stop,
                   .allowed = always,
                   .call = [](Vm& vm, const CallContext& call) { vm.stop({.force = true}, call); },
                   .instant = over,
                   .may_be_late = true});
  return table;
}

bool claimed(const Method& method, const Vm& vm) { return !method.feature || vm.capabilities().has(*method.feature); }

bool contains(const std::vector<VmState>& states, VmState state) {
  return std::ranges::find(states, state) != states.end();
}

VmConfig table_config(const Subject& subject, const std::filesystem::path& scratch) {
  auto config = subject.config;
  if (subject.with_readiness) subject.with_readiness(config);
  if (auto disk = device_for(subject, Feature::hotplug_disk, cold_disk, scratch)) config.devices.push_back(*disk);
  return config;
}

}  // namespace visor::conformance

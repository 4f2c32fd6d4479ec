// SPDX-License-Identifier: Apache-2.0
#include "methods.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace visor::conformance {
namespace {

using enum VmState;
const std::vector<VmState> live = {running, paused};
const std::vector<VmState> always = {created, running, paused, stopped, failed};
const std::vector<VmState> once_started = {running, paused, stopped, failed};

std::vector<Method> queries(const Subject& subject) {
  return {
      {"status", Feature::status, always, true, [](Vm& vm, const CallContext& call) { vm.status(call); }},
      {"pids", Feature::pids, always, false, [](Vm& vm, const CallContext&) { (void)vm.pids(); }},
      {"events", Feature::events, always, false, [](Vm& vm, const CallContext&) { vm.events(); }},
      {"thread_ids", Feature::thread_ids, live, true, [](Vm& vm, const CallContext& call) { vm.thread_ids(call); }},
      {"console", Feature::console, subject.console_after_end ? once_started : live, true,
       [](Vm& vm, const CallContext& call) { vm.console(call); }},
      {"wait_ready", Feature::wait_ready, live, true, [](Vm& vm, const CallContext& call) { vm.wait_ready(call); }},
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
  table.push_back({"hotplug_remove", hotplug_disk, live, true,
                   [](Vm& vm, const CallContext& call) { vm.hotplug_remove(cold_disk, call); }});
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
  auto table = queries(subject);
  std::ranges::move(changes(subject, scratch), std::back_inserter(table));
  std::ranges::move(hotplug_methods(subject, scratch), std::back_inserter(table));
  table.push_back(
      {"stop", Feature::stop, always, true, [](Vm& vm, const CallContext& call) { vm.stop({.force = true}, call); }});
  return table;
}

VmConfig table_config(const Subject& subject, const std::filesystem::path& scratch) {
  auto config = subject.config;
  if (subject.with_readiness) subject.with_readiness(config);
  if (auto disk = device_for(subject, Feature::hotplug_disk, cold_disk, scratch)) config.devices.push_back(*disk);
  return config;
}

}  // namespace visor::conformance

// SPDX-License-Identifier: Apache-2.0
// The words of the refusals and the shape of the lists are QEMU 7.2's, measured on the four targets.
#include "cpus.hpp"

#include "arguments.hpp"
#include "refusal.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

namespace visor::testing {
namespace {

std::string type_of(Target target, const std::string& model) {
  switch (target) {
    case Target::x86_64:
      return (model.empty() ? "qemu64" : model) + "-x86_64-cpu";
    case Target::aarch64:
      return (model.empty() ? "cortex-a15" : model) + "-arm-cpu";
    case Target::ppc64:
      return (model.empty() || model == "power9" ? "power9_v2.0" : model) + "-spapr-cpu-core";
    case Target::s390x:
      return (model.empty() ? "qemu" : model) + "-s390x-cpu";
  }
  return {};
}

}  // namespace

Target target_of(const CommandLine& line) {
  if (line.machine.starts_with("virt")) return Target::aarch64;
  if (line.machine.starts_with("pseries")) return Target::ppc64;
  if (line.machine.starts_with("s390")) return Target::s390x;
  return Target::x86_64;
}

std::string to_string(Target target) {
  switch (target) {
    case Target::x86_64:
      return "x86_64";
    case Target::aarch64:
      return "aarch64";
    case Target::ppc64:
      return "ppc64";
    case Target::s390x:
      return "s390x";
  }
  return {};
}

Cpus::Cpus(const CommandLine& line)
    : target_{target_of(line)},
      pluggable_{target_ != Target::aarch64 && line.machine != "microvm"},
      topology_{line.topology},
      type_{type_of(target_, line.cpu)},
      paths_(line.topology.max_cpus) {
  for (std::size_t i = 0; i < topology_.cpus; ++i) {
    paths_[i] = "/machine/unattached/device[" + std::to_string(target_ == Target::ppc64 ? i + 1 : i) + "]";
  }
}

bool Cpus::is_cpu(const std::string& driver) { return driver.ends_with("-cpu") || driver.ends_with("-cpu-core"); }

Value Cpus::properties(std::size_t place) const {
  if (target_ == Target::s390x) return Value::map({{"core-id", place}});
  if (target_ == Target::ppc64) return Value::map({{"core-id", place}, {"node-id", 0}});
  const auto threads = topology_.threads;
  auto all = Value::map({{"core-id", place / threads % topology_.cores},
                         {"thread-id", place % threads},
                         {"socket-id", place / (threads * topology_.cores)}});
  if (target_ == Target::aarch64) all.set("cluster-id", 0);
  return all;
}

Value Cpus::list() const {
  auto all = Value::list();
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    if (paths_[i].empty()) continue;
    auto cpu = Value::map({{"thread-id", ::getpid()}, {"props", properties(i)}});
    if (target_ == Target::s390x) cpu.set("cpu-state", i == 0 ? "operating" : "stopped");
    cpu.set("qom-path", target_ == Target::ppc64 ? paths_[i] + "/thread[0]" : paths_[i]);
    cpu.set("cpu-index", i);
    cpu.set("target", to_string(target_));
    all.push_back(std::move(cpu));
  }
  return all;
}

Value Cpus::places() const {
  if (!pluggable_) refuse("The feature 'query-hotpluggable-cpus' is not enabled");
  auto all = Value::list();
  for (auto i = paths_.size(); i-- > 0;) {
    auto place = Value::map({{"props", properties(i)}, {"vcpus-count", 1}});
    if (!paths_[i].empty()) place.set("qom-path", paths_[i]);
    place.set("type", type_);
    all.push_back(std::move(place));
  }
  return all;
}

std::uint64_t Cpus::id(const std::string& driver, const Value& properties, const std::string& key,
                       std::uint64_t count) const {
  const auto* const given = properties.find(key);
  if (given == nullptr && target_ == Target::s390x) return 0;
  if (given == nullptr) refuse("CPU " + key + " is not set");
  const auto number = number_of(*given);
  if (!number) refuse("Parameter '" + driver + "." + key + "' expects int64");
  const auto text = std::to_string(*number);
  if (*number < count) return *number;
  if (target_ == Target::ppc64) refuse("core id " + text + " out of range");
  const auto last = std::to_string(count - 1);
  if (target_ == Target::s390x) refuse("Unable to add CPU with core-id: " + text + ", maximum core-id: " + last);
  refuse("Invalid CPU " + key + ": " + text + " must be in range 0:" + last);
}

void Cpus::refuse_taken(std::size_t place) const {
  const auto number = std::to_string(place);
  if (target_ == Target::ppc64) refuse("core " + number + " already populated");
  if (target_ == Target::s390x) refuse("Unable to add CPU with core-id: " + number + ", it already exists");
  refuse("CPU[" + number + "] with APIC ID " + number + " exists");
}

std::size_t Cpus::find_place(const std::string& driver, const Value& properties) const {
  if (!pluggable_) refuse("Parameter 'driver' expects a pluggable device type");
  if (driver != type_) {
    if (target_ == Target::ppc64) refuse("CPU core type should be " + type_);
    refuse("Invalid CPU type, expected cpu type: '" + type_ + "'");
  }
  const bool x86 = target_ == Target::x86_64;
  for (const auto* key : {"socket-id", "thread-id", "die-id"}) {
    if (!x86 && properties.find(key) != nullptr) refuse("Property '" + driver + "." + key + "' not found");
  }
  std::size_t place = 0;
  if (x86) {
    const auto socket = id(driver, properties, "socket-id", topology_.sockets);
    const auto core = id(driver, properties, "core-id", topology_.cores);
    const auto thread = id(driver, properties, "thread-id", topology_.threads);
    place = (socket * topology_.cores + core) * topology_.threads + thread;
  } else {
    place = id(driver, properties, "core-id", paths_.size());
  }
  if (place >= paths_.size()) refuse("Invalid CPU core-id: there are " + std::to_string(paths_.size()) + " CPUs");
  if (!paths_[place].empty()) refuse_taken(place);
  return place;
}

}  // namespace visor::testing

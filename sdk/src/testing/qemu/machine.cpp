// SPDX-License-Identifier: Apache-2.0
// What commands do. Which event comes before its answer and which after it is as measured on QEMU 7.2.
#include "machine.hpp"

#include "refusal.hpp"

#include <type_traits>
#include <utility>

namespace visor::testing {

Machine::Machine(const CommandLine& line, const Profile& profile, Emit emit)
    : line_{line},
      profile_{profile},
      emit_{std::move(emit)},
      backends_{line, profile},
      cpus_{line},
      devices_{line, profile, backends_, cpus_},
      migration_{line, backends_, [this](const std::string& name, const Value& data) { emit_(name, data); }},
      state_{line.incoming ? "inmigrate"
             : line.paused ? "prelaunch"
                           : "running"} {}

template <auto Method>
Value Machine::with_backends(const Value& arguments) {
  if constexpr (std::is_void_v<decltype((backends_.*Method)(arguments))>) {
    (backends_.*Method)(arguments);
    return Value::map();
  } else {
    return (backends_.*Method)(arguments);
  }
}

const Machine::Commands& Machine::actions() {
  static const Commands all = {{"qmp_capabilities", &Machine::negotiate},
                               {"cont", &Machine::cont},
                               {"stop", &Machine::stop},
                               {"quit", &Machine::quit},
                               {"system_powerdown", &Machine::system_powerdown},
                               {"system_reset", &Machine::system_reset},
                               {"migrate", &Machine::migrate},
                               {"migrate_cancel", &Machine::migrate_cancel},
                               {"migrate-incoming", &Machine::migrate_incoming},
                               {"migrate-set-capabilities", &Machine::migrate_set_capabilities},
                               {"migrate-set-parameters", &Machine::migrate_set_parameters},
                               {"device_add", &Machine::device_add},
                               {"device_del", &Machine::device_del},
                               {"blockdev-add", &Machine::with_backends<&Backends::add_node>},
                               {"blockdev-del", &Machine::with_backends<&Backends::remove_node>},
                               {"chardev-add", &Machine::with_backends<&Backends::add_chardev>},
                               {"chardev-remove", &Machine::with_backends<&Backends::remove_chardev>},
                               {"netdev_add", &Machine::with_backends<&Backends::add_netdev>},
                               {"netdev_del", &Machine::with_backends<&Backends::remove_netdev>},
                               {"getfd", &Machine::with_backends<&Backends::name_fd>},
                               {"closefd", &Machine::with_backends<&Backends::close_fd>},
                               {"object-add", &Machine::with_backends<&Backends::add_object>},
                               {"object-del", &Machine::with_backends<&Backends::remove_object>}};
  return all;
}

const Machine::Commands& Machine::commands() {
  static const Commands all = [] {
    auto both = queries();
    both.insert(actions().begin(), actions().end());
    both.insert(observations().begin(), observations().end());
    return both;
  }();
  return all;
}

bool Machine::knows(std::string_view command) { return commands().contains(command); }

Value Machine::execute(const std::string& command, const Value& arguments, Obedience how) {
  if (!knows(command)) throw Refusal{"CommandNotFound", "The command " + command + " has not been found"};
  how_ = how;
  const bool acts = !command.starts_with("query-");
  if (how == Obedience::ignore && acts && command != "system_powerdown" && command != "migrate") return Value::map();
  return (this->*commands().at(command))(arguments);
}

void Machine::finish() {
  for (const auto& [name, data] : std::exchange(after_, {})) emit_(name, data);
  if (migration_.arrives()) load_state();
  if (std::exchange(powers_off_, false)) shut_down(true, "guest-shutdown");
}

void Machine::shut_down(bool by_guest, const std::string& reason) {
  emit_("SHUTDOWN", Value::map({{"guest", by_guest}, {"reason", reason}}));
  ended_ = true;
}

void Machine::run_state(const std::string& state, const std::string& event_name) {
  if (state_ == state) return;
  state_ = state;
  emit_(event_name, {});
}

Value Machine::negotiate(const Value& arguments) {
  Arguments given{arguments};
  if (const auto* const wanted = given.find("enable"); wanted != nullptr && wanted->is_list()) {
    for (const auto& one : wanted->as_list()) {
      if (one != Value{"oob"}) refuse("Parameter 'null' does not accept value '" + text_of(one) + "'");
    }
  }
  given.refuse_rest();
  return Value::map();
}

Value Machine::cont(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  run_state("running", "RESUME");
  let_go(true);
  return Value::map();
}

Value Machine::stop(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  if (state_ == "running") run_state("paused", "STOP");
  return Value::map();
}

Value Machine::quit(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  shut_down(false, "host-qmp-quit");
  return Value::map();
}

Value Machine::system_powerdown(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  emit_("POWERDOWN", {});
  powers_off_ = state_ == "running" && how_ == Obedience::full;
  return Value::map();
}

Value Machine::system_reset(const Value& arguments) {
  Arguments{arguments}.refuse_rest();
  emit_("RESET", Value::map({{"guest", false}, {"reason", "host-qmp-system-reset"}}));
  if (state_ == "paused") state_ = "prelaunch";
  let_go(false);
  return Value::map();
}

Value Machine::device_add(const Value& arguments) {
  devices_.add(arguments);
  return Value::map();
}

Value Machine::device_del(const Value& arguments) {
  Arguments given{arguments};
  const auto id = given.text("id");
  given.refuse_rest();
  auto& device = devices_.find_removable(id);
  // Only an operating system has QEMU know vCPUs as devices of ACPI.
  if (devices_.is_acpi_cpu(device) && state_ == "prelaunch") {
    refuse("acpi: device unplug request for not supported device type: " + device.driver);
  }
  if (how_ == Obedience::guest_refuses) {
    tell_refusal(device);
    return Value::map();
  }
  if (devices_.needs_guest(device) && state_ != "running") {
    if (device.leaving && device.socket == Socket::pci) {
      refuse("Device " + device.id + " is already in the process of unplug");
    }
    device.leaving = true;
    return Value::map();
  }
  // ppc64 tells of cores and of memory at once.
  tell_gone(device.path, target_of(line_) == Target::ppc64 && device.socket != Socket::pci);
  return Value::map();
}

/// A reset takes what it resets out, the slots of PCI; what needs the guest's own hand stays.
void Machine::let_go(bool by_guest) {
  for (const auto& path : devices_.leaving()) {
    if (by_guest || devices_.find(path)->socket == Socket::pci) tell_gone(path, false);
  }
}

/// An x86 guest tells by ACPI how far it is. No event of its end has the id, only the path of the local APIC.
void Machine::tell_cpu_gone(const FakeDevice& device) {
  constexpr int eject_request = 3;
  constexpr int in_progress = 0x84;
  const auto slot = std::to_string(*device.cpu);
  const auto tell = [&](Value info, int status) {
    info.set("source", eject_request).set("status", status).set("slot", slot).set("slot-type", "CPU");
    later("ACPI_DEVICE_OST", Value::map({{"info", std::move(info)}}));
  };
  tell(device.id.empty() ? Value::map() : Value::map({{"device", device.id}}), in_progress);
  for (const auto& inner : devices_.remove(std::string{device.path})) {
    later("DEVICE_DELETED", Value::map({{"path", inner}}));
  }
  tell(Value::map(), 0);
}

void Machine::tell_gone(const std::string& path, bool now) {
  const auto tell = [&](Value data) {
    if (now) {
      emit_("DEVICE_DELETED", data);
    } else {
      later("DEVICE_DELETED", std::move(data));
    }
  };
  const auto* const device = devices_.find(path);
  if (device != nullptr && devices_.is_acpi_cpu(*device)) return tell_cpu_gone(*device);
  auto data = Value::map();
  if (device != nullptr && !device->id.empty()) data.set("device", device->id);
  data.set("path", path);
  for (const auto& inner : devices_.remove(path)) tell(Value::map({{"path", inner}}));
  tell(std::move(data));
}

void Machine::tell_refusal(const FakeDevice& device) {
  if (device.socket == Socket::memory && profile_.tells_mem_unplug_error) {
    later("MEM_UNPLUG_ERROR", Value::map({{"device", device.id}, {"msg", "the fake guest refuses"}}));
  }
  later("DEVICE_UNPLUG_GUEST_ERROR", Value::map({{"device", device.id}, {"path", device.path}}));
}

}  // namespace visor::testing

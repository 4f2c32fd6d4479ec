// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/device/process.hpp"

#include "table.hpp"

#include <algorithm>

namespace visor::sdk {
namespace {

constexpr std::uint64_t most = 0x7fffffffffffffff;  // qemu: iothread.c keeps them as int64_t

/// "2026-01-31" or "2026-01-31T12:00:00" (qemu: softmmu/rtc.c)
bool is_date(std::string_view text) {
  std::string shape;
  for (const char c : text) shape += c >= '0' && c <= '9' ? 'd' : c;
  return shape == "dddd-dd-dd" || shape == "dddd-dd-ddTdd:dd:dd";
}

constexpr const char* of_backend = "say it to the MemoryBackend that the machine takes";

}  // namespace

const DeviceTable& Name::describe() {
  using D = Name;
  static const DeviceTable table =
      TableBuilder<D>("Name", "Name", "What the VM is called.")
          .told_by(DeviceOption::keyval, "-name")
          .with({
              field<&D::guest>("guest", "guest", "The VM.").needed(),
              field<&D::process>("process", "process", "The process, in ps."),
              field<&D::debug_threads>("debug_threads", "debug-threads", "Threads are named after what they do."),
          });
  return table;
}

void Name::validate() const { check_fields(describe(), this); }

void Name::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& ProcessSettings::describe() {
  using D = ProcessSettings;
  static const DeviceTable table =
      TableBuilder<D>("ProcessSettings", "Process", "Single settings of a process.")
          .told_by(DeviceOption::plain, "")
          .with({
              field<&D::uuid>("uuid", "-uuid", "What the guest's firmware tells it.").as(FieldType::uuid),
              field<&D::vga>("vga", "-vga", "The screen's card.")
                  .of({"none", "std", "cirrus", "qxl", "virtio", "vmware"}),
              path_field<&D::pid_file>("pid_file", "-pidfile", "Has QEMU's process id, and is locked while it runs."),
              path_field<&D::log_file>("log_file", "-D", "Has what -d asks for."),
          });
  return table;
}

void ProcessSettings::validate() const {
  check_fields(describe(), this);
  if (log_file.find('%') != std::string::npos) {
    refuse_device(describe(), this, "log_file must not contain '%', which QEMU would replace");
  }
}

void ProcessSettings::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& Knobs::describe() {
  using D = Knobs;
  static const DeviceTable table =
      TableBuilder<D>("Knobs", "Switches", "Switches of QEMU.")
          .told_by(DeviceOption::plain, "")
          .with({
              field<&D::no_user_config>("no_user_config", "-no-user-config", "Reads no configuration of the user's."),
              field<&D::no_defaults>("no_defaults", "-nodefaults", "Makes no devices that nobody asked for."),
              field<&D::no_graphic>("no_graphic", "-nographic", "No screen; serial ports are on stdio."),
              field<&D::no_reboot>("no_reboot", "-no-reboot", "A reset ends QEMU."),
              field<&D::no_shutdown>("no_shutdown", "-no-shutdown", "The guest's power-off pauses."),
              field<&D::stopped>("stopped", "-S", "The vCPUs wait for `cont`."),
              field<&D::mlock>("mlock", "", "Memory stays in the host's memory (-overcommit mem-lock)."),
              field<&D::cpu_pm>("cpu_pm", "", "Idle loops keep the host's processors (-overcommit cpu-pm)."),
              field<&D::daemonize>("daemonize", "", "The process goes to the background.")
                  .no("QEMU would leave the process that is watched; start the VM detached instead"),
              field<&D::realtime>("realtime", "", "-realtime.").no("QEMU 6.0 dropped it; mlock is what was left of it"),
              field<&D::huge_pages>("huge_pages", "", "Memory from huge pages.").no(of_backend),
              field<&D::mem_prealloc>("mem_prealloc", "", "Takes all memory at start.").no(of_backend),
              field<&D::file_backed_mem>("file_backed_mem", "", "Memory in a file.").no(of_backend),
              field<&D::mem_shared>("mem_shared", "", "Memory that others can map.").no(of_backend),
              field<&D::iommu_platform>("iommu_platform", "", "Virtio devices use the IOMMU.")
                  .no("say it to each device, in its place"),
          });
  return table;
}

void Knobs::validate() const { check_fields(describe(), this); }

void Knobs::render(CommandLine& line) const {
  render_fields(describe(), this, line);
  auto overcommit = PropertyBag::keys();
  if (mlock) overcommit.set("mem-lock", true);
  if (cpu_pm) overcommit.set("cpu-pm", true);
  if (mlock || cpu_pm) line.add("-overcommit", overcommit);
}

const DeviceTable& Rtc::describe() {
  using D = Rtc;
  static const DeviceTable table =
      TableBuilder<D>("Rtc", "Clock", "The guest's clock.")
          .told_by(DeviceOption::keyval, "-rtc")
          .with({
              field<&D::base>("base", "base", "What it begins with: utc, localtime or a date.").needed().said(),
              field<&D::clock>("clock", "clock", "What makes it go on.").of({"host", "rt", "vm"}).said(),
              field<&D::drift_fix>("drift_fix", "driftfix", "Catches up with lost ticks.").of({"slew", "none"}),
          });
  return table;
}

void Rtc::validate() const {
  check_fields(describe(), this);
  if (base != "utc" && base != "localtime" && !is_date(base)) {
    refuse_device(describe(), this, "base must be utc, localtime or like 2026-01-31T12:00:00, found '" + base + "'");
  }
}

void Rtc::render(CommandLine& line) const { render_fields(describe(), this, line); }

// qemu: qapi/run-state.json
const DeviceTable& Actions::describe() {
  using D = Actions;
  static const DeviceTable table =
      TableBuilder<D>("Actions", "Actions", "What QEMU does when something happens to the guest.")
          .told_by(DeviceOption::keyval, "-action")
          .with({
              field<&D::reboot>("reboot", "reboot", "It resets.").of({"reset", "shutdown"}),
              field<&D::shutdown>("shutdown", "shutdown", "It powers off.").of({"poweroff", "pause"}),
              field<&D::panic>("panic", "panic", "It tells of a panic.")
                  .of({"pause", "shutdown", "exit-failure", "none"}),
              field<&D::watchdog>("watchdog", "watchdog", "A watchdog expires.")
                  .of({"reset", "shutdown", "poweroff", "pause", "debug", "none", "inject-nmi"}),
          });
  return table;
}

void Actions::validate() const { check_fields(describe(), this); }

void Actions::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& GlobalProperty::describe() {
  using D = GlobalProperty;
  static const DeviceTable table =
      TableBuilder<D>("GlobalProperty", "Default", "A default of a device's property.")
          .told_by(DeviceOption::keyval, "-global")
          .with({
              field<&D::driver>("driver", "driver", "The type of devices.").needed(),
              field<&D::property>("property", "property", "The property.").needed(),
              field<&D::value>("value", "value", "What it is where nobody says it.").needed(),
          });
  return table;
}

void GlobalProperty::validate() const { check_fields(describe(), this); }

void GlobalProperty::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& Sandbox::describe() {
  using D = Sandbox;
  static const DeviceTable table =
      TableBuilder<D>("Sandbox", "Sandbox", "What system calls QEMU may make.")
          .told_by(DeviceOption::worded, "-sandbox")
          .is("on")
          .with({
              field<&D::obsolete>("obsolete", "obsolete", "Those that are out of use.").of({"allow", "deny"}),
              field<&D::elevate_privileges>("elevate_privileges", "elevateprivileges", "Becoming another user.")
                  .of({"allow", "deny", "children"}),
              field<&D::spawn>("spawn", "spawn", "Starting programs.").of({"allow", "deny"}),
              field<&D::resource_control>("resource_control", "resourcecontrol", "Affinity and priority.")
                  .of({"allow", "deny"}),
          });
  return table;
}

void Sandbox::validate() const { check_fields(describe(), this); }

void Sandbox::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& IoThreadObject::describe() {
  using D = IoThreadObject;
  static const DeviceTable table =
      TableBuilder<D>("IoThreadObject", "I/O thread", "A thread for the requests of disks.")
          .told_by(DeviceOption::object, "-object")
          .is("iothread")
          .with({
              id_field<&D::id>(),
              field<&D::poll_max_ns>("poll_max_ns", "poll-max-ns", "How long it polls before it sleeps.")
                  .range(0, most)
                  .in("ns"),
              field<&D::aio_max_batch>("aio_max_batch", "aio-max-batch", "What it submits at once.")
                  .range(0, most)
                  .in("requests"),
              field<&D::thread_pool_min>("thread_pool_min", "thread-pool-min", "Threads that it keeps.")
                  .range(0, 0x7fffffff)
                  .in("threads"),
              field<&D::thread_pool_max>("thread_pool_max", "thread-pool-max", "Threads at most.")
                  .range(1, 0x7fffffff)
                  .in("threads"),
          });
  return table;
}

void IoThreadObject::validate() const {
  check_fields(describe(), this);
  if (thread_pool_min && thread_pool_max && *thread_pool_min > *thread_pool_max) {
    refuse_device(describe(), this, "thread_pool_min must not be above thread_pool_max");
  }
}

PropertyBag IoThreadObject::properties() const { return properties_of(describe(), this); }

void IoThreadObject::render(CommandLine& line) const { render_fields(describe(), this, line); }

const DeviceTable& GenericObject::describe() {
  using D = GenericObject;
  static const DeviceTable table = TableBuilder<D>("GenericObject", "Object", "An object of any of QEMU's types.")
                                       .told_by(DeviceOption::object, "-object")
                                       .is("")
                                       .with({
                                           field<&D::type>("type", "", "Which of QEMU's types.").needed(),
                                           id_field<&D::id>(),
                                       });
  return table;
}

// What properties an object has is the caller's to say: no table has them.
void GenericObject::validate() const {
  check_fields(describe(), this);
  if (!is_property_name(type)) refuse_device(describe(), this, "'" + type + "' is no name of a type");
  for (const auto& [key, value] : props) {
    if (!is_qemu_id(key) || key == "id") refuse_device(describe(), this, "'" + key + "' is no name of a property");
  }
}

PropertyBag GenericObject::properties() const {
  auto bag = PropertyBag::object(type).set("id", id);
  for (const auto& [key, property] : props) {
    std::visit([&, &name = key](const auto& value) { bag.set(name, value); }, property);
  }
  return bag;
}

void GenericObject::render(CommandLine& line) const { line.add("-object", properties()); }

}  // namespace visor::sdk

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/sdk/device/command_line.hpp"
#include "visor/sdk/device/property_bag.hpp"
#include "visor/sdk/export.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What concerns QEMU as a process, and what is said once for a VM.
namespace visor::sdk {

/// What the VM is called, in QEMU's window, its process and its threads.
struct VISOR_SDK_EXPORT Name {
  std::string guest;
  std::string process = {};
  bool debug_threads = false;  ///< threads are named after what they do
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// Single settings of a process.
struct VISOR_SDK_EXPORT ProcessSettings {
  std::string uuid = {};
  std::string vga = {};       ///< "none", "std", "cirrus", "qxl", "virtio", "vmware"
  std::string pid_file = {};  ///< locked while QEMU runs; it stays when QEMU is killed
  std::string log_file = {};  ///< without '%', in which QEMU looks for "%d"
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// Switches. Those that QEMU has no longer, or that are said elsewhere, are refused.
struct VISOR_SDK_EXPORT Knobs {
  bool no_user_config = false;
  bool no_defaults = false;
  bool no_graphic = false;
  bool no_reboot = false;    ///< a reset ends QEMU
  bool no_shutdown = false;  ///< the guest's power-off pauses
  bool stopped = false;      ///< the vCPUs wait for `cont`
  bool mlock = false;        ///< the guest's memory and QEMU stay in the host's memory
  bool cpu_pm = false;       ///< the guest's idle loops keep the host's processors
  bool daemonize = false;
  bool realtime = false;
  bool huge_pages = false;
  bool mem_prealloc = false;
  bool file_backed_mem = false;
  bool mem_shared = false;
  bool iommu_platform = false;
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// The guest's clock.
struct VISOR_SDK_EXPORT Rtc {
  std::string base = "utc";    ///< "utc", "localtime", or "2026-01-31T12:00:00"
  std::string clock = "host";  ///< "host", "rt", "vm": what makes it go on
  std::string drift_fix = {};  ///< PC: "slew" catches up with lost ticks, "none"
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// What QEMU does when something happens to the guest; empty: as QEMU does without being told.
struct VISOR_SDK_EXPORT Actions {
  std::string reboot = {};    ///< "reset", "shutdown"
  std::string shutdown = {};  ///< "poweroff", "pause"
  std::string panic = {};     ///< "pause", "shutdown", "exit-failure", "none"
  std::string watchdog = {};  ///< of any: "reset", "shutdown", "poweroff", "pause", "debug", "none", "inject-nmi"

  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// A default of a device's property, for all devices of a type. QEMU only warns of a type that it does not know.
struct VISOR_SDK_EXPORT GlobalProperty {
  std::string driver;
  std::string property;
  std::string value;
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// What system calls QEMU may make. Each is "allow" or "deny"; empty: allowed.
struct VISOR_SDK_EXPORT Sandbox {
  std::string obsolete = {};
  std::string elevate_privileges = {};  ///< or "children", with which QEMU 7.2 for s390x fails to start
  std::string spawn = {};               ///< denied, a network script or `migrate exec:` ends the VM
  std::string resource_control = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
};

/// A thread for the requests of disks: an "iothread".
struct VISOR_SDK_EXPORT IoThreadObject {
  std::string id;
  std::optional<std::uint64_t> poll_max_ns = {};      ///< how long it polls before it sleeps; 0: never
  std::optional<std::uint64_t> aio_max_batch = {};    ///< requests that it submits at once; 0: QEMU's own
  std::optional<std::uint64_t> thread_pool_min = {};  ///< threads that it keeps
  std::optional<std::uint64_t> thread_pool_max = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

/// An object of any of QEMU's types, in QEMU's own words.
struct VISOR_SDK_EXPORT GenericObject {
  std::string type;
  std::string id;
  std::vector<std::pair<std::string, PropertyBag::Property>> props = {};
  static const DeviceTable& describe();
  void validate() const;
  void render(CommandLine& line) const;
  [[nodiscard]] PropertyBag properties() const;
};

}  // namespace visor::sdk

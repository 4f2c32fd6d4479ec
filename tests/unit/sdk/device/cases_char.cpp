// SPDX-License-Identifier: Apache-2.0
#include "device_case.hpp"
#include "visor/sdk/device/chardev.hpp"
#include "visor/sdk/device/devices.hpp"
#include "visor/sdk/device/process.hpp"
#include "visor/sdk/device/serial.hpp"

namespace visor::sdk {
namespace {

std::vector<DeviceCase> chardevs() {
  return {{kit_of<Chardev>(choose<&Chardev::backend, Chardev>),
           {"id", "path"},
           {{"id", "c0", "id=c0"},
            {"path", "/a,b", "path=/a,,b"},
            {"fd", "7", "fd=7", {}, {"path"}},
            {"host", "localhost", "host=localhost", {"port"}, {"path"}},
            {"port", 80, "port=80", {"host"}, {"path"}},
            {"server", true, "server=on,wait=off"},
            {"wait", true, "server=on,wait=on", {"server"}},
            {"reconnect_s", 5, "reconnect=5"},
            {"append", true, "append=on"},
            {"signals", false, "signal=off"},
            {"ring_bytes", 65536, "size=65536"},
            {"mux", true, "mux=on"},
            {"log_path", "/l", "logfile=/l"},
            {"log_append", true, "logappend=on", {"log_path"}}}},
          {kit_of<SocketChardev>(), {"id", "fd"}, {{"id", "c0", "id=c0"}, {"fd", 5, "fd=5,server=on,wait=off"}}},
          {kit_of<QmpSocket>(),
           {"id", "path"},
           {{"id", "q0", "-mon chardev=q0-chardev,mode=control,id=q0"},
            {"path", "/a,b", "-chardev socket,id=q0-chardev,path=/a,,b,server=on,wait=off"},
            {"fd", "7", "fd=7", {}, {"path"}},
            {"server", false, "path=/a,,b"},
            {"wait", true, "wait=on"},
            {"pretty", true, "pretty=on"}}},
          {kit_of<Monitor>(),
           {"id", "chardev"},
           {{"id", "m0", "id=m0"},
            {"chardev", "c0", "-mon chardev=c0"},
            {"mode", "readline", "mode=readline"},
            {"pretty", true, "pretty=on"}}}};
}

std::vector<DeviceCase> ports() {
  return {{kit_of<VirtioSerial>(), {"id"}, with_place({{"id", "s0", "id=s0"}, {"max_ports", 4, "max_ports=4"}})},
          {kit_of<VirtioPort>([](VirtioPort& port, std::size_t variant) { port.name = variant == 1 ? "n" : ""; }),
           {"id", "chardev"},
           {{"id", "p0", "id=p0"},
            {"bus", "s0.0", "bus=s0.0"},
            {"chardev", "c0", "chardev=c0"},
            {"name", "a,b", "name=a,,b"},
            {"number", 1, "nr=1"}}},
          {kit_of<SerialConsole>(choose<&SerialConsole::kind, SerialConsole>), {"chardev"}, {{"chardev", "c0"}}},
          {kit_of<SerialPort>(choose<&SerialPort::kind, SerialPort>),
           {"id", "chardev"},
           with_place({{"id", "s0", "id=s0"},
                       {"chardev", "c0", "chardev=c0"},
                       {"index", 1, "index=1"},
                       {"io_base", 1016, "iobase=1016"},
                       {"irq", 4, "irq=4"}})},
          {kit_of<VirtioRng>(),
           {"id"},
           with_place({{"id", "r0", "id=r0,rng=r0-source"},
                       {"source", "/dev/hwrng", "filename=/dev/hwrng"},
                       {"max_bytes", 10, "max-bytes=10"},
                       {"period_ms", 5, "period=5", {"max_bytes"}}})},
          {kit_of<PanicDevice>([](PanicDevice& panic, std::size_t variant) {
             panic.driver = variant == 1 ? "pvpanic-pci" : "pvpanic";
           }),
           {"id"},
           with_place({{"id", "p0", "id=p0"}, {"driver", "pvpanic-pci", "-device pvpanic-pci"}})}};
}

DeviceCase actions() {
  return {kit_of<Actions>(),
          {},
          {{"reboot", "shutdown", "-action reboot=shutdown"},
           {"shutdown", "pause", "shutdown=pause"},
           {"panic", "exit-failure", "panic=exit-failure"},
           {"watchdog", "inject-nmi", "watchdog=inject-nmi"}}};
}

}  // namespace

std::vector<DeviceCase> char_cases() {
  auto all = chardevs();
  for (auto& one : ports()) all.push_back(std::move(one));
  return all;
}

std::vector<DeviceCase> process_cases() {
  return {{kit_of<Name>(),
           {"guest"},
           {{"guest", "a=b,c", "-name guest=a=b,,c"},
            {"process", "p", "process=p"},
            {"debug_threads", true, "debug-threads=on"}}},
          {kit_of<ProcessSettings>(),
           {},
           {{"uuid", "2e0cbd0e-5d0f-4a43-9a4c-1a0d4e2b4f4e", "-uuid 2e0cbd0e-5d0f-4a43-9a4c-1a0d4e2b4f4e"},
            {"vga", "none", "-vga none"},
            {"pid_file", "/p,q", "-pidfile /p,q"},
            {"log_file", "/l", "-D /l", {}, {}, {"/l%d"}}}},
          {kit_of<Knobs>(),
           {},
           {{"no_user_config", true, "-no-user-config"},
            {"no_defaults", true, "-nodefaults"},
            {"no_graphic", true, "-nographic"},
            {"no_reboot", true, "-no-reboot"},
            {"no_shutdown", true, "-no-shutdown"},
            {"stopped", true, "-S"},
            {"mlock", true, "-overcommit mem-lock=on"},
            {"cpu_pm", true, "-overcommit cpu-pm=on"},
            {"daemonize", true},
            {"realtime", true},
            {"huge_pages", true},
            {"mem_prealloc", true},
            {"file_backed_mem", true},
            {"mem_shared", true},
            {"iommu_platform", true}}},
          {kit_of<Rtc>(),
           {},
           {{"base", "2026-01-31T12:00:00", "base=2026-01-31T12:00:00", {}, {}, {"now", "2026-1-1"}},
            {"clock", "vm", "clock=vm"},
            {"drift_fix", "slew", "driftfix=slew"}}},
          {kit_of<GlobalProperty>(),
           {"driver", "property", "value"},
           {{"driver", "kvm-pit", "-global driver=kvm-pit"},
            {"property", "lost_tick_policy", "property=lost_tick_policy"},
            {"value", "a,b", "value=a,,b"}}},
          actions(),
          {kit_of<Sandbox>(),
           {},
           {{"obsolete", "deny", "-sandbox on,obsolete=deny"},
            {"elevate_privileges", "children", "elevateprivileges=children"},
            {"spawn", "deny", "spawn=deny"},
            {"resource_control", "allow", "resourcecontrol=allow"}}},
          {kit_of<IoThreadObject>(),
           {"id"},
           {{"id", "io0", "-object iothread,id=io0"},
            {"poll_max_ns", 0, "poll-max-ns=0"},
            {"aio_max_batch", 8, "aio-max-batch=8"},
            {"thread_pool_min", 1, "thread-pool-min=1"},
            {"thread_pool_max", 4, "thread-pool-max=4"}}},
          {kit_of<GenericObject>([](GenericObject& object, std::size_t) { object.props = {{"filename", "/a,b"}}; }),
           {"type", "id"},
           {{"type", "rng-random", "-object rng-random"}, {"id", "r0", "id=r0,filename=/a,,b"}}}};
}

const std::vector<DeviceCase>& device_cases() {
  static const auto all = [] {
    std::vector<DeviceCase> cases;
    for (auto* part : {machine_cases, memory_cases, storage_cases, network_cases, char_cases, process_cases}) {
      for (auto& one : part()) cases.push_back(std::move(one));
    }
    return cases;
  }();
  return all;
}

}  // namespace visor::sdk

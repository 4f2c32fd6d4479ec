// SPDX-License-Identifier: Apache-2.0
// What this host has for running VMs, and what is missing for more.
#include "command.hpp"
#include "exit_code.hpp"
#include "matrix.hpp"
#include "visor/core/host.hpp"
#include "visor/runtime/log_sink.hpp"
#include "visor/runtime/plugin_registry.hpp"

#include <unistd.h>

#include <array>
#include <optional>

namespace visor::cli {
namespace {

/// One thing that was looked for.
struct Finding {
  std::string what;
  bool there = false;
  std::string detail;  ///< where it is, or what it would be good for and what to do
};

Finding device(const std::string& path, const std::string& use, const std::string& module) {
  if (::access(path.c_str(), R_OK | W_OK) == 0) return {path, true, use};
  const bool exists = ::access(path.c_str(), F_OK) == 0;
  return {path, false,
          use + ": " + (exists ? "it is there, but not for this user" : "load the host's kernel module " + module)};
}

Finding program(const std::vector<std::string>& names, const std::string& use, const std::string& packages) {
  for (const auto& name : names) {
    const bool named = name.starts_with('/') && ::access(name.c_str(), X_OK) == 0;
    if (const auto found = named ? std::optional{name} : find_program(name)) return {names.front(), true, *found};
  }
  return {names.front(), false, use + ": install Debian's package " + packages};
}

std::vector<Finding> look_at_host(const HostFacts& host) {
  return {{"cpus", true, std::to_string(host.cpus) + " of " + host.arch},
          {"memory", true, std::to_string(host.memory_mib) + " MiB"},
          {"kvm", host.kvm,
           host.kvm ? "/dev/kvm answers; only a start shows whether guests run with it"
                    : "guests are emulated, which is slower: " + host.kvm_reason},
          device("/dev/net/tun", "tap network cards", "tun"),
          device("/dev/vhost-net", "network cards served by the kernel, with KVM", "vhost_net"),
          device("/dev/vhost-vsock", "vsock devices", "vhost_vsock"),
          device("/dev/vfio/vfio", "devices of the host for guests", "vfio-pci"),
          program({"virtiofsd", "/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"}, "shared folders by virtio-fs",
                  "qemu-system-common"),
          program({"genisoimage", "mkisofs", "xorriso"}, "cloud-init disks", "genisoimage")};
}

/// The hypervisor of a plugin, or why there is none to be had.
Finding look_at(Runtime& runtime, const PluginInfo& plugin) {
  if (!plugin.accepted()) return {plugin.file.filename().string(), false, plugin.reason};
  if (plugin.kind != PluginKind::qemu) return {plugin.name, true, "needs no program of the host's"};
  const auto arch = runtime.arch(plugin.name);
  auto found =
      program({std::string{arch->binary()}}, std::string{arch->name()} + " guests", std::string{arch->package()});
  found.what = plugin.name;
  return found;
}

Value finding_value(const Finding& finding) {
  return Value::map({{"what", finding.what}, {"there", finding.there}, {"detail", finding.detail}});
}

std::string findings_text(const std::vector<Finding>& findings) {
  std::vector<Row> rows;
  for (const auto& each : findings) {
    rows.push_back({printable(each.what), each.there ? "yes" : "no", printable(each.detail)});
  }
  return table(rows);
}

Value values_of(const std::vector<Finding>& findings) {
  Value::List list;
  for (const auto& each : findings) list.push_back(finding_value(each));
  return list;
}

int doctor(Context& context) {
  const auto host = look_at_host(host_facts());
  std::vector<Finding> plugins;
  auto matrices = Value::map();
  for (const auto& plugin : context.runtime().plugins().plugins()) {
    plugins.push_back(look_at(context.runtime(), plugin));
    if (!context.args.has("matrix") || !plugin.accepted()) continue;
    matrices.set(plugin.name, matrix_of(*context.runtime().hypervisor(plugin.name)));
  }
  if (context.out.json) {
    auto value = Value::map({{"host", values_of(host)}, {"plugins", values_of(plugins)}});
    if (context.args.has("matrix")) value.set("matrix", std::move(matrices));
    context.out.value(value);
    return exit_code::ok;
  }
  auto text = "host:\n" + findings_text(host) + "\nplugins:\n" + findings_text(plugins);
  for (const auto& [plugin, matrix] : matrices.as_map()) text += "\n" + printable(plugin) + ":\n" + matrix_text(matrix);
  context.out.text(text);
  return exit_code::ok;
}

constexpr std::array options = {
    OptionSpec{"matrix", "", "also what each machine of each plugin can do, and why not the rest"},
};

}  // namespace

const Command doctor_command{"doctor",
                             "",
                             "tells what this host has for running VMs, and what is missing",
                             "Loads the plugins; starts nothing and changes nothing.",
                             options,
                             0,
                             0,
                             doctor};

}  // namespace visor::cli

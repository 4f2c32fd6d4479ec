// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"

#include "config.hpp"
#include "visor/core/error.hpp"
#include "visor/core/params.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

namespace uml {
namespace {

using visor::VmConfig;

constexpr std::uint64_t mib = std::uint64_t{1} << 20U;

void add_root(const VmConfig& config, std::vector<std::string>& argv) {
  const auto& boot = config.boot;
  // 'd': the file is data. Without it UML would follow a copy-on-write header, which a guest may have written.
  argv.push_back(unit_name(0) + "rd=" + boot.image);
  argv.push_back("root=/dev/" + unit_name(0) + (boot.root_partition == 0 ? "" : std::to_string(boot.root_partition)));
  argv.push_back("rootfstype=" + boot.root_fs_type);
  argv.emplace_back("ro");
}

void add_console(const VmConfig& config, std::vector<std::string>& argv) {
  const bool has_console = config.console.type != visor::ConsoleType::none;
  argv.insert(argv.end(), {has_console ? "con0=fd:0,fd:1" : "con0=null", "con=null", "ssl=null"});
  // The kernel's own messages also go to stderr, so that the exit record has a panic's last words.
  argv.insert(argv.end(), {"ssl0=null,fd:2", "console=ttyS0", "console=tty0"});
}

}  // namespace

visor::Value assigned_units(const VmConfig& config) {
  auto units = visor::Value::map();
  for (const auto& device : config.devices) units.set(device_id(device), free_unit(units));
  return units;
}

unsigned free_unit(const visor::Value& units) {
  for (unsigned unit = 1; unit < unit_limit; ++unit) {
    const auto is_it = [unit](const auto& entry) { return entry.second == visor::Value{unit}; };
    if (std::ranges::none_of(units.as_map(), is_it)) return unit;
  }
  throw visor::Error(visor::Errc::exhausted,
                     "User-Mode Linux has at most " + std::to_string(unit_limit - 1) + " disks beside the image");
}

std::string unit_name(unsigned unit) { return std::string{"ubd"} + static_cast<char>('a' + unit); }

std::string unit_option(unsigned unit, const visor::DiskConfig& disk) {
  return unit_name(unit) + (disk.read_only ? "r" : "") + (disk.share_rw ? "c" : "") + "d=" + disk.path;
}

std::string mconsole_path(const std::filesystem::path& run_dir) { return (run_dir / uml_folder / "mconsole").string(); }

std::vector<std::string> command_line(const VmConfig& config, const visor::Value& units,
                                      const std::filesystem::path& run_dir) {
  std::vector<std::string> argv{config.boot.kernel, "mem=" + std::to_string(config.memory.size_mib) + "M",
                                "umid=" + std::string{uml_folder}, "uml_dir=" + run_dir.string() + "/"};
  add_console(config, argv);
  argv.emplace_back("hostfs=/dev/null/none");  // else a guest could mount any folder of the host
  if (config.policy.on_reboot == visor::RebootPolicy::stop) argv.emplace_back("noreboot");
  if (!config.boot.initrd.empty()) argv.push_back("initrd=" + config.boot.initrd);
  if (!config.boot.image.empty()) add_root(config, argv);
  for (const auto& device : config.devices) {
    argv.push_back(unit_option(static_cast<unsigned>(units.at(device_id(device)).as_uint()), as_disk(device)));
  }
  argv.emplace_back(config.debug ? "debug" : "quiet");
  for (const auto& param : config.boot.kernel_params) argv.push_back(visor::kernel_line({param}));
  return argv;
}

visor::sdk::KeeperSpec keeper_spec(const VmConfig& config, const visor::Value& units,
                                   const std::filesystem::path& run_dir) {
  visor::sdk::KeeperSpec spec;
  auto& uml = spec.main;
  uml.name = plugin_name;
  uml.argv = command_line(config, units, run_dir);
  uml.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
  if (!config.memory.backing_dir.empty()) uml.env.push_back("TMPDIR=" + config.memory.backing_dir);
  if (config.console.type != visor::ConsoleType::none) {
    for (const int target : {STDIN_FILENO, STDOUT_FILENO}) {
      visor::sdk::FdMapping stream;
      stream.target = target;
      stream.source = visor::sdk::FdSource::console;
      uml.fds.push_back(stream);
    }
    spec.watch.console.capture.log_path = (run_dir / "console.log").string();
    spec.watch.console.capture.log_bytes = config.console.log_limit_mib * mib;
  }
  uml.limits.push_back({RLIMIT_CORE, 0, 0});  // a guest's panic is an abort() of the program
  uml.no_new_privs = true;
  uml.cgroup_dir = config.host.cgroup;
  uml.exec_label = config.host.selinux_label;
  uml.stderr_capture.log_path = (run_dir / "uml.log").string();
  spec.ephemeral = config.ephemeral;
  return spec;
}

}  // namespace uml

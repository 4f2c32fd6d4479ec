// SPDX-License-Identifier: Apache-2.0
#include "helpers.hpp"

#include "process/find_program.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/exit.hpp"

#include <unistd.h>

#include <utility>

namespace visor::sdk {

std::vector<std::string> usual_fs_daemons() {
  std::vector<std::string> places{"/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"};
  if (auto found = find_program("virtiofsd")) places.insert(places.begin(), *std::move(found));
  return places;
}

std::string find_fs_daemon(const VmConfig& config, const std::vector<std::string>& usual_places) {
  constexpr const char* packages = "Debian's package qemu-system-common, or virtiofsd where there is one";
  const auto& configured = config.shared_fs.daemon;
  if (!configured.empty()) {
    plan::detail::check_allowed("shared_fs.daemon", configured, "host.allowed_virtio_fs_daemons",
                                config.host.allowed_virtio_fs_daemons);
    if (::access(configured.c_str(), X_OK) == 0) return configured;
    throw Error(Errc::not_found, "shared_fs.daemon: " + configured + " does not exist or is no program; virtiofsd " +
                                     "comes with " + packages);
  }
  for (const auto& path : usual_places) {
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  throw Error(Errc::not_found,
              std::string{"virtiofsd was not found; install "} + packages + ", or set shared_fs.daemon");
}

std::vector<ProcessSpec> helper_specs(const plan::Plan& plan, const VmConfig& config,
                                      const std::filesystem::path& run_dir) {
  std::vector<ProcessSpec> specs;
  if (plan.daemons.empty()) return specs;
  const auto program = find_fs_daemon(config, usual_fs_daemons());
  for (const auto& daemon : plan.daemons) {
    ProcessSpec spec;
    spec.name = "fs-" + daemon.share;
    spec.argv = {program};
    spec.argv.insert(spec.argv.end(), daemon.arguments.begin(), daemon.arguments.end());
    spec.env = plain_environment();
    spec.fds = {{plan::fs_daemon_fd, FdSource::listener, daemon.socket, -1}};
    spec.no_new_privs = true;
    spec.cgroup_dir = config.host.cgroup;
    spec.stderr_capture.log_path = (run_dir / (spec.name + ".log")).string();
    specs.push_back(std::move(spec));
  }
  return specs;
}

Value helpers_to_value(const std::vector<KeptProcess>& processes) {
  auto list = Value::list();
  for (std::size_t i = 1; i < processes.size(); ++i) {  // the first is the main process
    const auto& [name, identity, exit] = processes[i];
    list.push_back(Value::map({{"name", name}, {"pid", identity.pid}, {"start_time", identity.start_time}}));
  }
  return list;
}

std::vector<AdoptedProcess> helpers_of(const VmRecord& record) try {
  std::vector<AdoptedProcess> helpers;
  const auto* const list = record.blob.find("helpers");
  if (list == nullptr || list->kind() != Value::Kind::list) return helpers;
  for (const auto& item : list->as_list()) {
    const auto [pid, start_time] = process_from_value(item);
    helpers.push_back({item.at("name").as_string(), {pid, start_time}});
  }
  return helpers;
} catch (const Error&) {  // nothing that this driver wrote
  return {};
}

std::string end_of_helper(std::string_view name, const ExitStatus& status, std::string_view stderr_tail) {
  const auto words = stderr_excerpt(stderr_tail);
  return std::string{name} + " ended with " + status.text() + (words.empty() ? "" : ": " + words);
}

bool ended_well(const ExitStatus& status) noexcept {
  return status.kind == ExitStatus::Kind::unknown || (status.kind == ExitStatus::Kind::code && status.value == 0);
}

void check_helpers(const Keeper& keeper, const CallContext& call) {
  if (keeper.processes().size() < 2) return;
  for (const auto& process : keeper.status(call).processes) {
    if (!process.exit) continue;
    throw Error(Errc::disconnected,
                "The helper " + end_of_helper(process.name, *process.exit, keeper.stderr_tail(process.name, call)));
  }
}

std::string words_of_helpers(const Keeper& keeper, const CallContext& call) noexcept try {
  std::string words;
  for (std::size_t i = 1; i < keeper.processes().size(); ++i) {
    const auto& name = keeper.processes()[i].name;
    const auto said = stderr_excerpt(keeper.stderr_tail(name, call));
    words += "; the helper " + name + (said.empty() ? " has said nothing" : " said last: " + said);
  }
  return words;
} catch (const std::exception&) {
  return {};
}

}  // namespace visor::sdk

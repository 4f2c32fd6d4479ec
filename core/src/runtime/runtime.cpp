// SPDX-License-Identifier: Apache-2.0
#include "visor/runtime/runtime.hpp"

#include "process_check.hpp"
#include "visor/core/extensions.hpp"
#include "visor/core/file.hpp"
#include "visor/core/json.hpp"
#include "visor/runtime/plugin_registry.hpp"

#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <future>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace visor {
namespace {

using namespace std::chrono_literals;

/// What one VM may take of a call that looks at many.
constexpr std::chrono::milliseconds look_limit = 2s;
constexpr std::chrono::milliseconds existing_limit = 1s;
constexpr std::chrono::milliseconds busy_interval = 5ms;
/// How many VMs list() looks at together.
constexpr std::size_t max_lookers = 16;

HostContext host_context(const RuntimeOptions& options) {
  HostContext host;
  host.log = options.log;
  host.keeper_path = options.keeper_path;
  host.options = options.plugin_options;
  return host;
}

std::string made_up_id() {
  constexpr std::string_view digits = "0123456789abcdef";
  unsigned char bytes[4];
  if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes)) {
    throw Error(Errc::io_error, "The system gave no random bytes for a VM id");
  }
  std::string id = "vm-";
  for (const auto byte : bytes) {
    id += digits[byte >> 4];
    id += digits[byte & 0xf];
  }
  return id;
}

/// The error that is being handled, as a value.
Error caught() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::exception& error) {
    return Error(Errc::internal, error.what());
  }
}

std::string state_of(const VmEntry& entry) {
  return entry.status ? std::string{to_string(entry.status->state)} : std::string{"in an unknown state"};
}

/// Nothing of it runs and nobody is about to start it.
bool is_removable(const VmEntry& entry) {
  if (!entry.status || entry.owner) return false;
  return is_over(entry.status->state) || entry.status->state == VmState::created;
}

/// A VM that cannot be looked at must not lose its folder while its processes, as far as they are known, live on.
void require_no_process(const VmEntry& entry) {
  if (!entry.record || entry.record->boot_id != host_boot_id()) return;
  for (const auto& process : {entry.record->hypervisor, entry.record->keeper}) {
    if (!detail::is_alive(process)) continue;
    throw Error(Errc::invalid_state, "The VM '" + entry.id + "' cannot be looked at (" + entry.error->message() +
                                         ") and its process " + std::to_string(process.pid) +
                                         " still runs: end that first");
  }
}

/// Of the VM that SnapshotExtension::save() put into a folder.
std::string plugin_of_saved(const std::filesystem::path& source) {
  const auto file = source / "manifest.json";
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    throw Error(Errc::not_found, source.string() + " holds no saved VM: there is no " + file.string());
  }
  try {
    return parse_json(read_file(file)).at("plugin").as_string();
  } catch (const Error& error) {
    throw Error(error.code(), file.string() + " is no manifest of a saved VM: " + error.message());
  }
}

}  // namespace

struct Runtime::Impl {
  explicit Impl(const RuntimeOptions& options)
      : store{options.run_dir}, registry{host_context(options), PluginSearch{options.plugin_dirs}} {}

  std::shared_ptr<Hypervisor> open(const std::string& plugin) {
    {
      const std::scoped_lock lock{mutex};
      if (const auto found = hypervisors.find(plugin); found != hypervisors.end()) return found->second;
    }
    auto opened = registry.open_hypervisor(plugin);
    const std::scoped_lock lock{mutex};
    return hypervisors.try_emplace(plugin, std::move(opened)).first->second;
  }

  std::unique_ptr<Vm> attach(const VmRecord& record, const CallContext& call) {
    return open(record.plugin)->attach(record, call);
  }

  VmEntry look(StoredVm stored, const CallContext& call) {
    VmEntry entry{std::move(stored.id),   std::move(stored.run_dir), std::move(stored.record), {}, {}, {},
                  std::move(stored.error)};
    if (!entry.record) return entry;
    try {
      call.check("a look at the VM '" + entry.id + "'");
      entry.owner = OwnerLock::holder(entry.run_dir);
      const auto limited = call.at_most(look_limit);
      const auto vm = attach(*entry.record, limited);
      entry.status = vm->status(limited);
      entry.pids = vm->pids();
    } catch (...) {
      entry.error = caught();
    }
    return entry;
  }

  /// By force. Of a VM that is over this ends what outlived it: a helper whose keeper was killed, say.
  void end(const VmEntry& entry, const CallContext& call) {
    StopOptions options;
    options.force = true;
    attach(*entry.record, call)->stop(options, call);
  }

  /// The keeper of a VM that has just ended may be at its last writes.
  void remove(const std::string& id, const CallContext& call) const {
    for (;;) {
      try {
        return store.remove(id);
      } catch (const Error& error) {
        if (error.code() != Errc::busy || call.expired()) throw;
      }
      call.check("the folder of the VM '" + id + "'");
      std::this_thread::sleep_for(busy_interval);
    }
  }

  VmStore store;
  PluginRegistry registry;
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Hypervisor>> hypervisors;
};

bool is_over(VmState state) noexcept {
  return state == VmState::undefined || state == VmState::stopped || state == VmState::failed;
}

Runtime::Runtime(const RuntimeOptions& options) : impl_{std::make_unique<Impl>(options)} {}
Runtime::~Runtime() = default;

const PluginRegistry& Runtime::plugins() const noexcept { return impl_->registry; }
const VmStore& Runtime::store() const noexcept { return impl_->store; }

std::shared_ptr<Hypervisor> Runtime::hypervisor(const VmConfig& config) {
  return impl_->open(impl_->registry.resolve(config.hypervisor, config.arch).name);
}

std::shared_ptr<Hypervisor> Runtime::hypervisor(const std::string& plugin) { return impl_->open(plugin); }

std::shared_ptr<const QemuArch> Runtime::arch(const std::string& plugin) { return impl_->registry.open_arch(plugin); }

std::unique_ptr<Vm> Runtime::make(std::string id, const Maker& maker) {
  if (id.empty()) id = made_up_id();
  check_vm_id(id);
  try {
    auto folder = impl_->store.create(id);
    auto vm = maker(id, folder.path());
    std::error_code ignored;
    if (!std::filesystem::exists(folder.path() / "record.json", ignored)) write_record(vm->record());
    folder.keep();
    return vm;
  } catch (const Error& error) {
    if (error.code() != Errc::already_exists || !impl_->store.contains(id)) throw;
    const auto entry = look(id, existing_limit);
    throw Error(Errc::already_exists, error.message() + ", and is " + state_of(entry) + ": choose another id, or " +
                                          (is_removable(entry) ? "" : "stop and ") + "remove it");
  }
}

std::unique_ptr<Vm> Runtime::create(const VmConfig& config, std::string id) {
  const auto hypervisor = this->hypervisor(config);
  return make(std::move(id), [&](const std::string& name, const std::filesystem::path& run_dir) {
    return hypervisor->create(config, name, run_dir);
  });
}

std::unique_ptr<Vm> Runtime::restore(const std::filesystem::path& source, std::string id, bool ephemeral,
                                     const CallContext& call) {
  const auto plugin = plugin_of_saved(source);
  const auto restorer =
      std::dynamic_pointer_cast<RestoreExtension>(hypervisor(plugin)->extension(RestoreExtension::id));
  if (!restorer) throw Error(Errc::unsupported, "The plugin " + plugin + " restores no VMs");
  return make(std::move(id), [&](const std::string& name, const std::filesystem::path& run_dir) {
    return restorer->restore(source, name, run_dir, ephemeral, call);
  });
}

std::unique_ptr<Vm> Runtime::attach(const std::string& id, const CallContext& call) {
  return impl_->attach(impl_->store.read(id), call);
}

VmEntry Runtime::look(const std::string& id, const CallContext& call) {
  StoredVm stored{id, impl_->store.folder(id), {}, {}};
  try {
    stored.record = impl_->store.read(id);
  } catch (const Error& error) {
    if (!impl_->store.contains(id)) throw;
    stored.error = error;
  }
  return impl_->look(std::move(stored), call);
}

std::vector<VmEntry> Runtime::list(const CallContext& call) {
  auto stored = impl_->store.list();
  std::vector<VmEntry> entries(stored.size());
  // Several at a time: one that hangs takes its time, and not that of the others.
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (auto i = next++; i < stored.size(); i = next++) entries[i] = impl_->look(std::move(stored[i]), call);
  };
  std::vector<std::future<void>> workers;
  while (workers.size() < std::min(stored.size(), max_lookers)) {
    workers.push_back(std::async(std::launch::async, work));
  }
  for (auto& worker : workers) worker.get();
  return entries;
}

void Runtime::remove(const std::string& id, bool force, const CallContext& call) {
  auto entry = look(id, call);
  if (!force && !entry.status) {
    throw Error(entry.error->code(),
                "The VM '" + id + "' cannot be looked at, so it is removed by force only: " + entry.error->message());
  }
  if (!force && !is_removable(entry)) {
    throw Error(Errc::invalid_state,
                "The VM '" + id + "' is " + state_of(entry) +
                    (entry.owner ? " and owned by process " + std::to_string(entry.owner->pid) : std::string{}) +
                    ": stop it first, or remove it by force");
  }
  if (!entry.status) {
    require_no_process(entry);
  } else if (!is_removable(entry) || !entry.pids.empty()) {
    impl_->end(entry, call);
  }
  impl_->remove(id, call);
}

std::vector<std::string> Runtime::gc(const CallContext& call) {
  auto removed = impl_->store.remove_abandoned();
  const auto boot_id = host_boot_id();
  for (const auto& entry : list(call)) {
    const bool other_boot = entry.record && entry.record->boot_id != boot_id;
    const bool over = entry.status && is_over(entry.status->state) && !entry.owner;
    if (!other_boot && !over) continue;
    try {
      if (!other_boot && !entry.pids.empty()) impl_->end(entry, call);
      impl_->store.remove(entry.id);
      removed.push_back(entry.id);
    } catch (const Error&) {
      // Somebody else removed it, or cannot be stopped from using it: it is no garbage of ours.
    }
  }
  return removed;
}

}  // namespace visor

// SPDX-License-Identifier: Apache-2.0
#include "visor/runtime/plugin_registry.hpp"

#include "guard.hpp"
#include "plugin_library.hpp"
#include "plugin_scan.hpp"
#include "visor/core/host.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>

namespace visor {
namespace {

using detail::PluginLibrary;
using LibraryPtr = std::shared_ptr<const PluginLibrary>;

Error refused(const PluginInfo& info) {
  const auto name = info.name.empty() ? info.file.stem().string() : info.name;
  return {info.refusal, "Plugin " + name + " (" + info.file.string() + ") was refused: " + info.reason};
}

/// A rejected file whose identity could not be read is known by its file's name.
bool is_called(const PluginInfo& info, std::string_view name) {
  return info.name.empty() ? info.file.stem() == name : info.name == name;
}

std::string accepted_names(const std::vector<PluginInfo>& plugins) {
  std::string names;
  for (const auto& info : plugins) {
    if (info.accepted()) names.append(names.empty() ? "" : ", ").append(info.name);
  }
  return names.empty() ? "no plugin was found" : "there are: " + names;
}

std::string places(const std::vector<SearchedFolder>& searched) {
  std::string text;
  for (const auto& folder : searched) {
    text.append(text.empty() ? "" : ", ").append(folder.directory.string());
    if (folder.status != SearchStatus::searched) text.append(" (").append(to_string(folder.status)).append(")");
  }
  return text.empty() ? "nowhere: no folder was given" : text;
}

std::string host_arch() {
  utsname names{};
  ::uname(&names);
  return arch_of_machine(names.machine);
}

/// A factory's failure, with the plugin's name in front.
template <class Function>
auto made_by(const detail::Origin& origin, Function&& factory) {
  try {
    return detail::translate(origin, "its factory", std::forward<Function>(factory));
  } catch (const Error& error) {
    if (error.code() == Errc::internal) throw;  // the guard named it
    throw Error(error.code(), "Plugin " + origin.plugin + " cannot be opened: " + error.message());
  }
}

}  // namespace

std::string_view to_string(PluginKind kind) noexcept {
  switch (kind) {
    case PluginKind::qemu:
      return "qemu";
    case PluginKind::other:
      return "other";
    case PluginKind::unknown:
      break;
  }
  return "unknown";
}

std::string_view to_string(SearchStatus status) noexcept {
  switch (status) {
    case SearchStatus::searched:
      return "searched";
    case SearchStatus::missing:
      return "missing";
    case SearchStatus::unreadable:
      return "unreadable";
    case SearchStatus::refused:
      return "refused";
    case SearchStatus::repeated:
      return "repeated";
  }
  return "unknown";
}

struct PluginRegistry::Impl {
  HostContext host;
  detail::PluginScan scan;
  std::mutex mutex;  // loads and `loaded`; factories run without it
  std::map<std::string, std::weak_ptr<const PluginLibrary>> loaded;

  [[nodiscard]] const PluginInfo* first(const std::function<bool(const PluginInfo&)>& fits) const {
    const auto found = std::find_if(scan.plugins.begin(), scan.plugins.end(), fits);
    return found == scan.plugins.end() ? nullptr : &*found;
  }

  /// The first accepted one that fits; else throws the reason of one that would, or `missing` and where it looked.
  [[nodiscard]] const PluginInfo& find(const std::string& missing,
                                       const std::function<bool(const PluginInfo&)>& fits) const {
    if (const auto* info = first([&](const PluginInfo& plugin) { return plugin.accepted() && fits(plugin); }))
      return *info;
    if (const auto* info = first(fits)) throw refused(*info);
    throw Error(Errc::not_found,
                missing + "; " + accepted_names(scan.plugins) + ". Searched: " + places(scan.searched));
  }

  [[nodiscard]] const PluginInfo& by_name(std::string_view name) const {
    return find("No plugin is called '" + std::string{name} + "'",
                [&](const PluginInfo& plugin) { return is_called(plugin, name); });
  }

  LibraryPtr load(const PluginInfo& info) {
    const std::lock_guard lock{mutex};
    auto& slot = loaded[info.name];
    if (auto library = slot.lock()) return library;
    // Again, because the file may have changed since the search.
    const auto now = detail::examine_plugin(info.file);
    if (!now.info.accepted()) throw refused(now.info);
    if (now.info.name != info.name) {
      throw Error(Errc::incompatible_plugin, info.file.string() + " held plugin " + info.name +
                                                 " when it was found and holds " + now.info.name + " now: start again");
    }
    auto library = detail::load_plugin_library(now.canonical, now.identity);
    slot = library;
    if (host.log && host.log->enabled(LogLevel::debug)) {
      host.log->write(LogLevel::debug, {}, "Loaded plugin " + info.name + " from " + now.canonical.string());
    }
    return library;
  }

  void log_rejected() const {
    if (!host.log || !host.log->enabled(LogLevel::debug)) return;
    for (const auto& info : scan.plugins) {
      if (!info.accepted()) host.log->write(LogLevel::debug, {}, refused(info).message());
    }
  }
};

PluginRegistry::PluginRegistry(HostContext host, const PluginSearch& search) : impl_{std::make_unique<Impl>()} {
  impl_->host = std::move(host);
  if (impl_->host.keeper_path.empty()) impl_->host.keeper_path = default_keeper_path();
  impl_->scan = detail::scan_plugins(search);
  impl_->log_rejected();
}

PluginRegistry::~PluginRegistry() = default;

const std::vector<PluginInfo>& PluginRegistry::plugins() const noexcept { return impl_->scan.plugins; }
const std::vector<SearchedFolder>& PluginRegistry::searched() const noexcept { return impl_->scan.searched; }

const PluginInfo& PluginRegistry::resolve(std::string_view hypervisor, std::string_view arch) const {
  if (hypervisor == "qemu") {
    const auto wanted = arch.empty() ? host_arch() : std::string{arch};
    return impl_->find("No QEMU plugin is for guest architecture '" + wanted + "'", [&](const PluginInfo& plugin) {
      return plugin.kind == PluginKind::qemu && plugin.arch == wanted;
    });
  }
  const auto& info = impl_->by_name(hypervisor);
  if (!arch.empty() && info.arch != "any" && info.arch != arch) {
    throw Error(Errc::invalid_config, "Plugin " + info.name + " is for guest architecture " + info.arch + ", not " +
                                          std::string{arch} + ": change `hypervisor` or `arch`");
  }
  return info;
}

std::shared_ptr<Hypervisor> PluginRegistry::open_hypervisor(std::string_view name) {
  const auto& info = impl_->by_name(name);
  const auto library = impl_->load(info);
  const auto origin = std::make_shared<const detail::Origin>(detail::Origin{info.name, library});
  HostContext context = impl_->host;
  context.library = detail::make_library_token(library);
  auto made =
      made_by(*origin, [&] { return std::unique_ptr<Hypervisor>{library->entry().create_hypervisor(&context)}; });
  return detail::guard_hypervisor(detail::hold<Hypervisor>(origin, nullptr, "its factory", std::move(made)));
}

std::shared_ptr<const QemuArch> PluginRegistry::open_arch(std::string_view name) {
  const auto& info = impl_->by_name(name);
  const auto library = impl_->load(info);
  const auto create = library->entry().create_qemu_arch;
  if (info.kind != PluginKind::qemu || create == nullptr) {
    throw Error(Errc::unsupported, "Plugin " + info.name + " has no facts of a QEMU architecture");
  }
  const auto origin = std::make_shared<const detail::Origin>(detail::Origin{info.name, library});
  auto made = made_by(*origin, [&] { return std::unique_ptr<const QemuArch>{create()}; });
  return detail::guard_arch(detail::hold<const QemuArch>(origin, nullptr, "its factory", std::move(made)));
}

}  // namespace visor

// SPDX-License-Identifier: Apache-2.0
#include "host_needs.hpp"

#include "plan.hpp"
#include "visor/core/error.hpp"
#include "visor/core/problems.hpp"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <variant>

namespace visor::sdk::plan {
namespace {

namespace fs = std::filesystem;

/// What one device needs; problems are noted with its place in the configuration.
class Needs {
 public:
  Needs(const HostPaths& paths, Problems& problems, std::string device)
      : paths_{paths}, problems_{problems}, device_{std::move(device)} {}

  void operator()(const NicConfig& nic) const {
    if (nic.backend == NicBackend::tap) need_node("net/tun", "a tap network card", "tun");
    if (nic.backend == NicBackend::vdpa) (void)has_path("interface", nic.interface, "the vDPA device");
  }
  void operator()(const VsockConfig&) const { need_node("vhost-vsock", "a vsock device", "vhost_vsock"); }
  void operator()(const VfioConfig& vfio) const {
    need_node("vfio/vfio", "a device of the host", "vfio");
    if (vfio.sysfs_path.empty()) return need_vfio_driver(vfio);
    (void)has_path("sysfs_path", vfio.sysfs_path, "the device");
  }
  void operator()(const VhostUserConfig& served) const {
    if (!has_path("socket", served.socket, "the socket of the serving process")) return;
    std::error_code none;
    if (!fs::is_socket(served.socket, none)) note(Errc::invalid_config, "socket", served.socket + " is no socket");
  }
  void operator()(const ShareConfig& share) const {
    if (!has_path("path", share.path, "the shared folder")) return;
    std::error_code none;
    if (!fs::is_directory(share.path, none)) note(Errc::invalid_config, "path", share.path + " is no folder");
  }
  void operator()(const FwCfgConfig& blob) const {
    if (!blob.path.empty()) (void)has_path("path", blob.path, "the file");
  }
  void operator()(const CloudInitConfig& cloud) const {
    const auto need = [&](const char* field, const std::string& path) {
      if (!path.empty()) (void)has_path(field, path, "the file");
    };
    need("user_data_path", cloud.user_data_path);
    need("meta_data_path", cloud.meta_data_path);
    need("network_config_path", cloud.network_config_path);
  }
  template <class Other>
  void operator()(const Other&) const {}  // needs nothing, or what is looked at before the plan is made

 private:
  void note(Errc code, const std::string& field, const std::string& why) const {
    problems_.add(code, device_ + (field.empty() ? "" : "." + field) + ": " + why);
  }

  void need_node(const char* name, const std::string& what, const std::string& module) const {
    const auto node = (paths_.dev / name).string();
    if (::access(node.c_str(), R_OK | W_OK) == 0) return;
    const int problem = errno;
    if (problem == ENOENT || problem == ENOTDIR) {
      note(Errc::unsupported, "",
           what + " needs " + node + ", which this host does not have; load its kernel module " + module);
    } else {
      note(Errc::permission_denied, "",
           what + " needs " + node + ": " + system_error("Cannot use it", problem).message());
    }
  }

  [[nodiscard]] bool has_path(const std::string& field, const std::string& path, const std::string& what) const {
    if (::access(path.c_str(), F_OK) == 0) return true;
    const auto problem = system_error("Cannot find " + path, errno);
    note(problem.code(), field, what + ": " + problem.message());
    return false;
  }

  void need_vfio_driver(const VfioConfig& vfio) const {
    const auto address = vfio.host.size() == 7 ? "0000:" + vfio.host : vfio.host;
    const auto device = paths_.sys / "bus/pci/devices" / address;
    if (!has_path("host", device.string(), "the device")) return;
    std::error_code none;
    const auto driver = fs::read_symlink(device / "driver", none).filename().string();
    if (driver == "vfio-pci") return;
    note(Errc::unsupported, "host",
         address + " is held by " + (driver.empty() ? "no driver" : "the driver " + driver) +
             " of the host; bind it to vfio-pci");
  }

  const HostPaths& paths_;
  Problems& problems_;
  std::string device_;
};

}  // namespace

void check_host(const VmConfig& config, const HostPaths& paths) {
  Problems problems;
  const auto& backing = config.memory.backing_dir;
  if (!backing.empty() && !std::filesystem::is_directory(backing)) {
    problems.add(Errc::not_found, "memory.backing_dir: there is no folder " + backing + " for the guest's memory");
  }
  for (std::size_t i = 0; i < config.devices.size(); ++i) {
    std::visit(Needs{paths, problems, device_path(config, i)}, config.devices[i]);
  }
  problems.throw_if_any();
}

void check_host(const VmConfig& config, std::size_t device, const HostPaths& paths) {
  Problems problems;
  std::visit(Needs{paths, problems, device_path(config, device)}, config.devices.at(device));
  problems.throw_if_any();
}

}  // namespace visor::sdk::plan

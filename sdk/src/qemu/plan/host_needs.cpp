// SPDX-License-Identifier: Apache-2.0
#include "host_needs.hpp"

#include "visor/core/error.hpp"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <variant>

namespace visor::sdk::plan {
namespace {

namespace fs = std::filesystem;

class Needs {
 public:
  explicit Needs(const HostPaths& paths) : paths_{paths} {}

  void operator()(const NicConfig& nic) const {
    if (nic.backend == NicBackend::tap) need_node(nic.id, "net/tun", "a tap network card", "tun");
    if (nic.backend == NicBackend::vdpa) need_path(nic.id, nic.interface, "the vDPA device");
  }
  void operator()(const VsockConfig& vsock) const {
    need_node(vsock.id, "vhost-vsock", "a vsock device", "vhost_vsock");
  }
  void operator()(const VfioConfig& vfio) const {
    need_node(vfio.id, "vfio/vfio", "a device of the host", "vfio");
    if (!vfio.sysfs_path.empty()) return need_path(vfio.id, vfio.sysfs_path, "the device");
    need_vfio_driver(vfio);
  }
  void operator()(const VhostUserConfig& served) const {
    need_path(served.id, served.socket, "the socket of the serving process");
    std::error_code none;
    if (fs::is_socket(served.socket, none)) return;
    refuse(Errc::invalid_config, served.id, served.socket + " is no socket");
  }
  void operator()(const ShareConfig& share) const {
    need_path(share.id, share.path, "the shared folder");
    std::error_code none;
    if (!fs::is_directory(share.path, none)) refuse(Errc::invalid_config, share.id, share.path + " is no folder");
  }
  void operator()(const FwCfgConfig& blob) const {
    if (!blob.path.empty()) need_path(blob.id, blob.path, "the file");
  }
  template <class Other>
  void operator()(const Other&) const {}  // needs nothing, or what is looked at before the plan is made

 private:
  [[noreturn]] static void refuse(Errc code, const std::string& id, const std::string& why) {
    throw Error(code, "Device '" + id + "': " + why);
  }

  void need_node(const std::string& id, const char* name, const std::string& what, const std::string& module) const {
    const auto node = (paths_.dev / name).string();
    if (::access(node.c_str(), R_OK | W_OK) == 0) return;
    const int problem = errno;
    if (problem == ENOENT || problem == ENOTDIR) {
      refuse(Errc::unsupported, id,
             what + " needs " + node + ", which this host does not have; load its kernel module " + module);
    }
    refuse(Errc::permission_denied, id,
           what + " needs " + node + ": " + system_error("Cannot use it", problem).message());
  }

  static void need_path(const std::string& id, const std::string& path, const std::string& what) {
    if (::access(path.c_str(), F_OK) == 0) return;
    const auto problem = system_error("Cannot find " + path, errno);
    refuse(problem.code(), id, what + ": " + problem.message());
  }

  void need_vfio_driver(const VfioConfig& vfio) const {
    const auto address = vfio.host.size() == 7 ? "0000:" + vfio.host : vfio.host;
    const auto device = paths_.sys / "bus/pci/devices" / address;
    need_path(vfio.id, device.string(), "the device");
    std::error_code none;
    const auto driver = fs::read_symlink(device / "driver", none).filename().string();
    if (driver == "vfio-pci") return;
    refuse(Errc::unsupported, vfio.id,
           address + " is held by " + (driver.empty() ? "no driver" : "the driver " + driver) +
               " of the host; bind it to vfio-pci");
  }

  const HostPaths& paths_;
};

}  // namespace

void check_host(const VmConfig& config, const HostPaths& paths) {
  const Needs needs{paths};
  for (const auto& device : config.devices) std::visit(needs, device);
}

}  // namespace visor::sdk::plan

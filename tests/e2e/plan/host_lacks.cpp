// SPDX-License-Identifier: Apache-2.0
#include "host_lacks.hpp"

#include "planned_qemu.hpp"
#include "visor/core/error.hpp"
#include "visor/sdk/qmp/commands/schema.hpp"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>

namespace visor::test {
namespace {

std::string reason(const std::string& what, int error) { return what + ": " + std::generic_category().message(error); }

std::string node_lacks(const std::string& node) {
  return ::access(node.c_str(), R_OK | W_OK) == 0 ? "" : reason("this host has no usable " + node, errno);
}

std::string tap_lacks() {
  const UniqueFd tun{::open("/dev/net/tun", O_RDWR | O_CLOEXEC)};
  if (!tun) return reason("/dev/net/tun", errno);
  ifreq wanted{};
  wanted.ifr_flags = IFF_TAP | IFF_NO_PI;
  return ::ioctl(tun.get(), TUNSETIFF, &wanted) == 0 ? "" : reason("this host makes no tap", errno);
}

std::string huge_pages_lack() {
  constexpr std::size_t wanted = std::size_t{512} << 20U;
  const UniqueFd file{::memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB)};
  if (!file) return reason("this host has no huge pages", errno);
  if (::ftruncate(file.get(), wanted) != 0) return reason("huge pages", errno);
  auto* const memory = ::mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return reason("this host has too few huge pages", errno);
  ::munmap(memory, wanted);
  return "";
}

std::string lock_lacks() {
  constexpr std::size_t wanted = std::size_t{1} << 30U;  // a guest of 512 MiB, and QEMU
  auto* const memory = ::mmap(nullptr, wanted, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return reason("memory", errno);
  const bool locks = ::mlock2(memory, wanted, MLOCK_ONFAULT) == 0;
  const int error = errno;
  ::munmap(memory, wanted);
  return locks ? "" : reason("this process may not lock 1 GiB of memory", error);
}

std::string io_uring_lacks() {
  std::array<std::uint32_t, 30> params{};  // struct io_uring_params
  const UniqueFd ring{static_cast<int>(::syscall(SYS_io_uring_setup, 1, params.data()))};
  return ring ? "" : reason("the kernel gives no io_uring", errno);
}

std::string direct_lacks(const std::string& path) {
  const UniqueFd file{::open(path.c_str(), O_RDWR | O_DIRECT | O_CLOEXEC)};
  return file ? "" : reason("no direct I/O in this folder", errno);
}

/// As little of a machine as there is with KVM: where that fails, KVM is what fails.
std::string kvm_lacks(const std::string& program, const std::string& machine) {
  const auto path = std::filesystem::temp_directory_path() / ("vg-kvm-" + std::to_string(::getpid()));
  std::string why;
  try {
    PlannedQemu{program,
                {program, "-nodefaults", "-display", "none", "-S", "-machine", machine + ",accel=kvm", "-cpu", "host",
                 "-chardev", "socket,id=q,fd=3,server=on,wait=off", "-mon", "chardev=q,mode=control"},
                {path.string()}};
  } catch (const Error& error) {
    why = "KVM does not work here: " + error.message().substr(0, error.message().find('\n'));
  }
  std::filesystem::remove(path);
  return why;
}

std::string option_lacks(const std::string& program, const Option& option) {
  const auto type = option.at("");
  if (option.at("accel") == "kvm") return kvm_lacks(program, type);
  if (option.at("hugetlb") == "on") return huge_pages_lack();
  if (option.at("mem-lock") == "on") return lock_lacks();
  if (option.at("file.aio") == "io_uring") return io_uring_lacks();
  if (option.at("cache.direct") == "on") return direct_lacks(option.at("file.filename"));
  if (option.at("vhost") == "on" && ::access("/dev/vhost-net", R_OK | W_OK) != 0) return node_lacks("/dev/vhost-net");
  if (option.name == "-netdev" && type == "tap") return tap_lacks();
  if (option.name == "-netdev" && type == "vhost-vdpa") return node_lacks(option.at("vhostdev"));
  if (type.starts_with("vhost-vsock")) return node_lacks("/dev/vhost-vsock");
  if (type.starts_with("vfio-")) return node_lacks("/dev/vfio/vfio");
  return "";
}

bool has_properties(const std::vector<sdk::qmp::ObjectProperty>& known, const std::string& name) {
  return name.empty() || name == "id" || name == "bus" ||
         std::ranges::find(known, name, &sdk::qmp::ObjectProperty::name) != known.end();
}

/// The command of QMP that takes what this option says, and its member with the type; no command for others.
std::pair<std::string, std::string> command_of(const std::string& option) {
  if (option == "-object") return {"object-add", "qom-type"};
  if (option == "-netdev") return {"netdev_add", "type"};
  if (option == "-blockdev") return {"blockdev-add", "driver"};
  return {};
}

}  // namespace

std::string host_lacks(const std::string& program, const std::vector<Option>& options) {
  for (const auto& option : options) {
    auto why = option_lacks(program, option);
    if (!why.empty()) return why;
  }
  return "";
}

std::vector<std::string> qemu_lacks(sdk::qmp::Client& client, const std::vector<Option>& options) {
  std::vector<std::string> lacks;
  const auto schema = sdk::qmp::query_qmp_schema(client, planned_limit);
  std::set<std::string> devices;
  for (const auto& type : sdk::qmp::qom_list_types(client, "device", false, planned_limit)) devices.insert(type.name);
  for (const auto& option : options) {
    const auto type = option.at("");
    const auto [command, member] = command_of(option.name);
    if (!command.empty() && !type.empty() && !schema.has_enum_member(command, member, type)) lacks.push_back(type);
    std::vector<sdk::qmp::ObjectProperty> known;
    if (option.name == "-device") {
      if (!devices.contains(type)) {
        lacks.push_back(type);
        continue;
      }
      known = sdk::qmp::device_list_properties(client, type, planned_limit);
    }
    for (const auto& [key, value] : option.items) {
      const bool has = option.name == "-device" ? has_properties(known, key)
                                                : command.empty() || key.empty() || schema.has_argument(command, key);
      if (!has) lacks.push_back(type + ' ' + key);
    }
  }
  return lacks;
}

}  // namespace visor::test

// SPDX-License-Identifier: Apache-2.0
#include "started.hpp"

#include "qemu-amd64/amd64_arch.hpp"
#include "qemu-arm64/arm64_arch.hpp"
#include "qemu-ppc64le/ppc64le_arch.hpp"
#include "qemu-s390x/s390x_arch.hpp"
#include "support/in_path.hpp"
#include "visor/core/error.hpp"
#include "visor/core/host_context.hpp"
#include "visor/sdk/qemu/qemu_plugin.hpp"

#include <map>

namespace visor::test {
namespace {

std::unique_ptr<QemuArch> arch_of(const std::string& name) {
  if (name == "amd64") return std::make_unique<amd64::Amd64Arch>();
  if (name == "arm64") return std::make_unique<arm64::Arm64Arch>();
  if (name == "ppc64le") return std::make_unique<ppc64le::Ppc64leArch>();
  return std::make_unique<s390x::S390xArch>();
}

}  // namespace

Hypervisor& hypervisor_of(const std::string& arch) {
  static std::map<std::string, std::unique_ptr<Hypervisor>> all;
  auto& hypervisor = all[arch];
  if (!hypervisor) {
    HostContext host;
    host.keeper_path = VISOR_TEST_KEEPER;
    host.options.push_back({"caps_cache_dir", "off"});
    hypervisor = sdk::make_qemu_hypervisor(host, arch_of(arch));
  }
  return *hypervisor;
}

bool has_qemu(const std::string& arch) { return !program_in_path(std::string{arch_of(arch)->binary()}).empty(); }

Started::Started(const std::string& arch, const VmConfig& config, const std::filesystem::path& run_dir) {
  std::filesystem::create_directory(run_dir);
  vm_ = hypervisor_of(arch).create(config, "trip", run_dir);
  vm_->start(true, told_limit);
  pid_ = vm_->pids().at(0);
  told_ = std::make_unique<Told>((run_dir / "qmp-observer.sock").string(), pid_);
}

Started::~Started() {
  told_.reset();
  try {
    if (vm_) vm_->stop({.force = true}, told_limit);
  } catch (const Error&) {
    vm_.reset();  // the test looks for what is left
  }
}

}  // namespace visor::test

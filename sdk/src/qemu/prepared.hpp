// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "driver.hpp"
#include "plan/plan.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace visor::sdk {

/// A configuration checked and completed for one architecture on this host, with all that a plan needs.
class Prepared {
 public:
  /// Throws invalid_config, unsupported, not_found, permission_denied. [file I/O]
  Prepared(const Driver& driver, const VmConfig& config);

  [[nodiscard]] const VmConfig& config() const noexcept { return config_; }
  [[nodiscard]] Accelerator accelerator() const noexcept { return accelerator_; }
  /// Whether it is KVM only because the configuration leaves the choice.
  [[nodiscard]] bool chose_kvm() const noexcept;
  /// The same VM emulated, because KVM does not work for this reason. Throws as the constructor does.
  [[nodiscard]] Prepared without_kvm(const Driver& driver, std::string reason) const;
  /// What the user should know about the choice of the accelerator; empty when there is nothing.
  [[nodiscard]] std::string accelerator_notice() const;
  /// Adds a device as if it had been configured. Throws as the constructor does, and then changes nothing.
  void add_device(const Driver& driver, const DeviceConfig& device);
  [[nodiscard]] plan::Plan make_plan(const Driver& driver, const std::string& id, const std::filesystem::path& run_dir,
                                     const std::string& uuid) const;

 private:
  Prepared(const Driver& driver, const VmConfig& config, HostFacts host);

  VmConfig config_;
  HostFacts host_;
  QemuCaps caps_;
  std::string no_kvm_;  // why not; empty: it seems to work
  Accelerator accelerator_ = Accelerator::tcg;
  std::map<std::string, plan::FileFacts> files_;
};

/// The QEMU program of an architecture: the configured one, else the first of $PATH and the usual folders.
/// Throws not_found naming the Debian package, permission_denied for one that the allow-list does not have.
std::string find_qemu(const QemuArch& arch, const VmConfig& config);

/// The device types of QEMU 7.2 that the driver can ask for, of any architecture; a probe of the binary will take its
/// place.
QemuCaps default_qemu_caps();

/// What the driver offers for a configuration: what it implements and the machine allows.
Capabilities offered(const QemuArch& arch, const ArchInput& in);
/// The same for a configuration that was prepared.
Capabilities offered(const Driver& driver, const VmConfig& config);

}  // namespace visor::sdk

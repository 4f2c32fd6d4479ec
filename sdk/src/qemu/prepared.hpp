// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "caps/caps_source.hpp"
#include "driver.hpp"
#include "plan/plan.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace visor::sdk {

/// A configuration checked and completed for one architecture on this host, with all that a plan needs.
class Prepared {
 public:
  /// Throws invalid_config, unsupported, not_found, permission_denied. [file I/O]
  Prepared(const Driver& driver, const VmConfig& config, SharedCaps caps);

  [[nodiscard]] const VmConfig& config() const noexcept { return config_; }
  [[nodiscard]] const SharedCaps& caps() const noexcept { return caps_; }
  [[nodiscard]] Accelerator accelerator() const noexcept { return accelerator_; }
  /// Whether it is KVM only because the configuration leaves the choice.
  [[nodiscard]] bool chose_kvm() const noexcept;
  /// The same VM emulated, because KVM does not work for this reason. Throws as the constructor does.
  [[nodiscard]] Prepared without_kvm(const Driver& driver, std::string reason) const;
  /// The same with this context id of its vsock device, if there is one.
  [[nodiscard]] Prepared with_cid(std::uint32_t cid) const;
  /// What the user should know about the choice of the accelerator; empty when there is nothing.
  [[nodiscard]] std::string accelerator_notice() const;
  /// The same with devices at exact places: plan::Input::places.
  [[nodiscard]] Prepared with_places(std::map<std::string, Place> places) const;
  /// A running VM's configuration on its real accelerator. Nothing of it is checked again: a file that QEMU has open
  /// may be gone. For plug_device() alone. [file I/O]
  static Prepared of_running(const Driver& driver, const VmConfig& config, SharedCaps caps, Accelerator accelerator);
  /// The same with one device more, which alone is checked, as add_device() does; it is the last one. Throws as that.
  [[nodiscard]] Prepared plug_device(const Driver& driver, const DeviceConfig& device) const;
  /// For one VM; what it refers to must outlive it.
  [[nodiscard]] plan::Input input(const Driver& driver, const std::string& id, const std::filesystem::path& run_dir,
                                  const std::string& uuid) const;
  /// Adds a device as if it had been configured. Throws as the constructor does, and then changes nothing.
  void add_device(const Driver& driver, const DeviceConfig& device);
  [[nodiscard]] plan::Plan make_plan(const Driver& driver, const std::string& id, const std::filesystem::path& run_dir,
                                     const std::string& uuid, const plan::Source& source = {}) const;
  /// What QEMU calls the machine, with its release ("pc-q35-7.2"), where that is known.
  [[nodiscard]] std::string machine_release() const;
  /// The guest's memory as the machine has it.
  [[nodiscard]] std::uint64_t memory_bytes(const Driver& driver) const;

 private:
  Prepared() = default;
  Prepared(const Driver& driver, const VmConfig& config, SharedCaps caps, HostFacts host);
  [[nodiscard]] ConfigDefaults rules(const QemuArch& arch) const;
  void make_choices(const Driver& driver, Problems problems);

  VmConfig config_;
  HostFacts host_;
  SharedCaps caps_;
  std::string no_kvm_;  // why not; empty: it seems to work
  Accelerator accelerator_ = Accelerator::tcg;
  std::map<std::string, plan::FileFacts> files_;
  std::map<std::string, Place> places_;
};

/// The QEMU program of an architecture: the configured one, else the first of $PATH and the usual folders.
/// Throws not_found naming the Debian package, permission_denied for one that the allow-list does not have.
std::string find_qemu(const QemuArch& arch, const VmConfig& config);

/// The device types of QEMU 7.2 that the driver can ask for, of any architecture: for whoever has no QEMU to ask.
QemuCaps default_qemu_caps();
/// What the QEMU of this configuration can do. It is asked when nobody has asked it yet; then a configured program is
/// compared with its hash first. [blocks ≤ deadline] Throws as find_qemu(), verify_asset() and probe_caps().
SharedCaps caps_of(const Driver& driver, const VmConfig& config, const CallContext& call);
/// The same without starting anything: the table where nothing is known, which the log then says. [file I/O]
SharedCaps known_caps_of(const Driver& driver, const VmConfig& config);

/// What the driver offers for a configuration: what it implements and the machine allows.
Capabilities offered(const QemuArch& arch, const ArchInput& in);
/// The same for a configuration that was prepared.
Capabilities offered(const Driver& driver, const VmConfig& config);
/// Its memory.
MemoryTopology memory_of(const Driver& driver, const VmConfig& config);

}  // namespace visor::sdk

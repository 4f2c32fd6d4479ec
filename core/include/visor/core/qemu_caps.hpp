// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/export.h"

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace visor {

struct QemuVersion {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint32_t micro = 0;
  auto operator<=>(const QemuVersion&) const = default;
};

/// "7.2.22"
VISOR_CORE_EXPORT std::string to_string(const QemuVersion& version);

/// A machine type, as a QEMU tells of it.
struct QemuMachineCaps {
  std::string name;        ///< "pc-q35-7.2"
  std::string alias = {};  ///< "q35", or empty
  std::uint32_t max_vcpus = 0;
  bool operator==(const QemuMachineCaps&) const = default;
};

/// What one QEMU can do: as its program said when it was asked, or a table of QEMU 7.2 where nobody could ask. An empty
/// list means that it is not known, and then nothing is refused because of it. The lists of names are sorted.
struct VISOR_CORE_EXPORT QemuCaps {
  QemuVersion version = {};
  std::vector<std::string> devices = {};       ///< device types, those of vCPUs as well
  std::string binary = {};                     ///< path of the program that was asked; empty: a table
  std::vector<QemuMachineCaps> machines = {};  ///< sorted by name
  std::vector<std::string> objects = {};       ///< object types that a user can make: "iothread", …
  /// What of QMP's arguments is there, out of those that visorkit has a use for: "blockdev-add:aio=io_uring".
  std::vector<std::string> features = {};
  /// Names of properties, sorted, of the device types that the driver makes.
  std::map<std::string, std::vector<std::string>, std::less<>> properties = {};
  std::string kept_in = {};  ///< the file that this was read from; empty: the program itself has just said it

  bool operator==(const QemuCaps&) const = default;

  /// Whether the release is one that visorkit was measured with, which ends with 7.2. What visorkit says of newer ones
  /// is read out of their documentation.
  [[nodiscard]] bool verified() const noexcept;
  /// "QEMU 7.2.22 at /usr/bin/qemu-system-x86_64"; of what was kept, with the file to remove when it is not so.
  [[nodiscard]] std::string who() const;
  /// By its name or its alias; null when there is none, or the machines are not known.
  [[nodiscard]] const QemuMachineCaps* machine(std::string_view type) const noexcept;
  /// The questions that are true when nothing is known.
  [[nodiscard]] bool may_have_machine(std::string_view type) const noexcept;
  [[nodiscard]] bool may_have_device(std::string_view driver) const noexcept;
  [[nodiscard]] bool may_have_object(std::string_view type) const noexcept;
  [[nodiscard]] bool may_have_property(std::string_view driver, std::string_view property) const noexcept;
  /// Also true when the binary was not asked: `features` may be empty for one that has none of them.
  [[nodiscard]] bool may_have_feature(std::string_view feature) const noexcept;
};

}  // namespace visor

// SPDX-License-Identifier: Apache-2.0
#include "architectures.hpp"

#include "qemu-amd64/amd64_arch.hpp"
#include "qemu-arm64/arm64_arch.hpp"
#include "qemu-ppc64le/ppc64le_arch.hpp"
#include "qemu-s390x/s390x_arch.hpp"
#include "visor/core/error.hpp"

#include <array>

namespace visor::test {

const QemuArch& arch_of(std::string_view name) {
  static const amd64::Amd64Arch amd64;
  static const arm64::Arm64Arch arm64;
  static const ppc64le::Ppc64leArch ppc64le;
  static const s390x::S390xArch s390x;
  static const std::array<const QemuArch*, 4> all{&amd64, &arm64, &ppc64le, &s390x};
  for (const auto* arch : all) {
    if (arch->name() == name) return *arch;
  }
  throw Error(Errc::not_found, "There is no architecture '" + std::string{name} + "'");
}

}  // namespace visor::test

// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/qemu_arch.hpp"

#include <string_view>

/// The facts of all four architectures, without their plugins.
namespace visor::test {

inline constexpr std::string_view architectures[] = {"amd64", "arm64", "ppc64le", "s390x"};

/// By the name that configurations use. They live as long as the program.
const QemuArch& arch_of(std::string_view name);

}  // namespace visor::test

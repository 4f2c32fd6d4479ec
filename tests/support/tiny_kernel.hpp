// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace visor::test {

/// As much of a kernel as the QEMU of an architecture looks at. Nothing in it runs.
std::string tiny_kernel(const std::string& arch);

/// Writes a number of so many bytes at a place, the high one first.
void put_number(std::string& bytes, std::size_t at, std::size_t size, std::uint64_t number);

}  // namespace visor::test

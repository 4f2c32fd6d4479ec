// SPDX-License-Identifier: Apache-2.0
#include "tiny_kernel.hpp"

#include <algorithm>

namespace visor::test {
namespace {

constexpr std::size_t kib = 1024;

void put(std::string& bytes, std::size_t at, const std::string& text) {
  std::ranges::copy(text, bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

void put_number(std::string& bytes, std::size_t at, std::size_t size, std::uint64_t number) {
  for (std::size_t i = 0; i < size; ++i) bytes.at(at + i) = static_cast<char>(number >> (8 * (size - 1 - i)) & 0xff);
}

/// As much of a kernel as QEMU looks at: linux Documentation/x86/boot.rst; for pseries an ELF of one segment; the
/// others take any bytes.
std::string tiny_kernel(const std::string& arch) {
  std::string kernel(32 * kib, '\0');
  if (arch == "amd64") {
    put(kernel, 0x1f1, std::string("\x01", 1));                       // one sector of set-up
    put(kernel, 0x1fe, std::string("\x55\xaa\0\0HdrS\x0c\x02", 10));  // version 2.12
    put(kernel, 0x211, std::string("\x01", 1));                       // is loaded high
    put(kernel, 0x22c, std::string("\xff\xff\xff\x37", 4));           // where an initrd ends at most
  } else if (arch == "ppc64le") {
    put(kernel, 0,
        std::string("\x7f"
                    "ELF\x02\x02\x01",
                    7));            // 64 bits, high byte first
    put_number(kernel, 16, 2, 2);   // executable
    put_number(kernel, 18, 2, 21);  // EM_PPC64
    put_number(kernel, 20, 4, 1);
    put_number(kernel, 32, 8, 64);  // the program header
    put_number(kernel, 52, 2, 64);
    put_number(kernel, 54, 2, 56);
    put_number(kernel, 56, 2, 1);
    put_number(kernel, 64, 4, 1);  // PT_LOAD
    put_number(kernel, 64 + 8, 8, 4 * kib);
    put_number(kernel, 64 + 32, 8, 4 * kib);
    put_number(kernel, 64 + 40, 8, 4 * kib);
  }
  return kernel;
}

}  // namespace visor::test

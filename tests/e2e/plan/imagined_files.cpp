// SPDX-License-Identifier: Apache-2.0
#include "imagined_files.hpp"

#include "visor/core/error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <system_error>
#include <utility>

namespace visor::test {
namespace {

constexpr std::size_t kib = 1024;
constexpr std::size_t mib = kib * kib;

void put(std::string& bytes, std::size_t at, const std::string& text) {
  std::ranges::copy(text, bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

/// A number of so many bytes, the high one first.
void put(std::string& bytes, std::size_t at, std::size_t size, std::uint64_t number) {
  for (std::size_t i = 0; i < size; ++i) bytes.at(at + i) = static_cast<char>(number >> (8 * (size - 1 - i)) & 0xff);
}

/// As much of a kernel as QEMU looks at: linux Documentation/x86/boot.rst; for pseries an ELF of one segment; the
/// others take any bytes.
std::string kernel_of(const std::string& arch) {
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
                    7));     // 64 bits, high byte first
    put(kernel, 16, 2, 2);   // executable
    put(kernel, 18, 2, 21);  // EM_PPC64
    put(kernel, 20, 4, 1);
    put(kernel, 32, 8, 64);  // the program header
    put(kernel, 52, 2, 64);
    put(kernel, 54, 2, 56);
    put(kernel, 56, 2, 1);
    put(kernel, 64, 4, 1);  // PT_LOAD
    put(kernel, 64 + 8, 8, 4 * kib);
    put(kernel, 64 + 32, 8, 4 * kib);
    put(kernel, 64 + 40, 8, 4 * kib);
  }
  return kernel;
}

/// An empty image of 1 MiB: header, refcounts, their block, L1 table, 64 KiB each. (qemu: docs/interop/qcow2.txt)
std::string qcow2() {
  constexpr std::uint64_t cluster = 64 * kib;
  std::string image(4 * cluster, '\0');
  put(image, 0, "QFI\xfb");
  put(image, 4, 4, 2);    // version
  put(image, 20, 4, 16);  // bits of a cluster
  put(image, 24, 8, mib);
  put(image, 36, 4, 1);  // entries of the L1 table
  put(image, 40, 8, 3 * cluster);
  put(image, 48, 8, cluster);
  put(image, 56, 4, 1);  // clusters of the refcount table
  put(image, cluster, 8, 2 * cluster);
  for (std::size_t i = 0; i < 4; ++i) put(image, 2 * cluster + 2 * i, 2, 1);
  return image;
}

/// Imagined folders, and what they are called in the real one. Each begins a path.
constexpr std::array<std::pair<const char*, const char*>, 6> folders{
    {{"/k/", "k/"}, {"/i/", "i/"}, {"/f/", "f/"}, {"/d/", "d/"}, {"/s/", "s/"}, {"/run/vm0/", "run/"}}};

void write(const std::filesystem::path& path, const std::string& bytes, std::size_t size) {
  std::ofstream{path, std::ios::binary} << bytes;
  std::filesystem::resize_file(path, std::max(size, bytes.size()));  // the rest is a hole
}

void replace_begin(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    const bool begins = at == 0 || text[at - 1] == '=';
    text.replace(at, from.size(), begins ? to : from);
    if (!begins) at += from.size() - to.size();
  }
}

}  // namespace

ImaginedFiles::ImaginedFiles(const std::string& arch) {
  auto name = (std::filesystem::temp_directory_path() / "vg-XXXXXX").string();  // short: socket paths are
  if (::mkdtemp(name.data()) == nullptr) throw system_error("Cannot make a folder for the test", errno);
  folder_ = name;
  for (const auto& [imagined, real] : folders) std::filesystem::create_directory(folder_ / real);
  write(folder_ / "k/vmlinuz", kernel_of(arch), 0);
  write(folder_ / "k/initrd", "initrd", 64 * kib);
  write(folder_ / "k/early", "early", 64 * kib);
  write(folder_ / "i/root.img", "", 64 * mib);
  write(folder_ / "i/dax.img", "", 66 * mib);
  write(folder_ / "f/bios.bin", "", arch == "s390x" ? 4 * kib : 128 * kib);  // a larger one is an ELF
  for (const auto* const flash : {"f/code,1.fd", "f/vars.fd"}) {
    write(folder_ / flash, "", arch == "arm64" ? 64 * mib : mib);  // virt takes no other size
  }
  write(folder_ / "d/raw.img", "", mib);
  write(folder_ / "run/cloud-init.iso", "", 64 * kib);
  write(folder_ / "d/disk.qcow2", qcow2(), 0);
}

ImaginedFiles::~ImaginedFiles() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string ImaginedFiles::real(std::string text) const {
  for (const auto& [imagined, real] : folders) replace_begin(text, imagined, (folder_ / real).string());
  replace_begin(text, "/dev/sdz", "/dev/null");  // QEMU takes it for a block device that is empty
  return text;
}

std::vector<sdk::CommandLine::Argument> ImaginedFiles::real(std::vector<sdk::CommandLine::Argument> arguments) const {
  for (auto& argument : arguments) argument.value = real(std::move(argument.value));
  return arguments;
}

}  // namespace visor::test

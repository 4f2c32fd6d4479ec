// SPDX-License-Identifier: Apache-2.0
#include "imagined_files.hpp"

#include "support/tiny_kernel.hpp"
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

/// An empty image of 1 MiB: header, refcounts, their block, L1 table, 64 KiB each. (qemu: docs/interop/qcow2.txt)
std::string qcow2() {
  constexpr std::uint64_t cluster = 64 * kib;
  std::string image(4 * cluster, '\0');
  image.replace(0, 4, "QFI\xfb");
  put_number(image, 4, 4, 2);    // version
  put_number(image, 20, 4, 16);  // bits of a cluster
  put_number(image, 24, 8, mib);
  put_number(image, 36, 4, 1);  // entries of the L1 table
  put_number(image, 40, 8, 3 * cluster);
  put_number(image, 48, 8, cluster);
  put_number(image, 56, 4, 1);  // clusters of the refcount table
  put_number(image, cluster, 8, 2 * cluster);
  for (std::size_t i = 0; i < 4; ++i) put_number(image, 2 * cluster + 2 * i, 2, 1);
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
  for (const auto& [imagined, real] : folders) std::filesystem::create_directory(folder_.path() / real);
  write(folder_.path() / "k/vmlinuz", tiny_kernel(arch), 0);
  write(folder_.path() / "k/initrd", "initrd", 64 * kib);
  write(folder_.path() / "k/early", "early", 64 * kib);
  write(folder_.path() / "i/root.img", "", 64 * mib);
  write(folder_.path() / "i/dax.img", "", 66 * mib);
  write(folder_.path() / "f/bios.bin", "", arch == "s390x" ? 4 * kib : 128 * kib);  // a larger one is an ELF
  for (const auto* const flash : {"f/code,1.fd", "f/vars.fd"}) {
    write(folder_.path() / flash, "", arch == "arm64" ? 64 * mib : mib);  // virt takes no other size
  }
  write(folder_.path() / "d/raw.img", "", mib);
  write(folder_.path() / "run/cloud-init.iso", "", 64 * kib);
  write(folder_.path() / "d/disk.qcow2", qcow2(), 0);
}

std::string ImaginedFiles::real(std::string text) const {
  for (const auto& [imagined, real] : folders) replace_begin(text, imagined, (folder_.path() / real).string());
  replace_begin(text, "/dev/sdz", "/dev/null");  // QEMU takes it for a block device that is empty
  return text;
}

std::vector<sdk::CommandLine::Argument> ImaginedFiles::real(std::vector<sdk::CommandLine::Argument> arguments) const {
  for (auto& argument : arguments) argument.value = real(std::move(argument.value));
  return arguments;
}

}  // namespace visor::test

// SPDX-License-Identifier: Apache-2.0
#include "plugin_probe.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <vector>

namespace visor::detail {
namespace {

constexpr std::uint64_t max_name_table = std::uint64_t{1} << 20;
constexpr std::string_view section_name = VISOR_PLUGIN_SECTION;
constexpr std::string_view host_sdk_version = VISOR_SDK_VERSION;

/// Never leaves this file.
struct Rejected {
  std::string reason;
};

[[noreturn]] void reject(std::string reason) { throw Rejected{std::move(reason)}; }

/// Reads a file's tables; whatever lies beyond its end is a truncated file.
class ElfFile {
 public:
  explicit ElfFile(int fd) : fd_{fd} {
    struct stat status{};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) reject("it is not a regular file");
    size_ = static_cast<std::uint64_t>(status.st_size);
  }

  void read(std::uint64_t offset, void* out, std::uint64_t count) const {
    if (!contains(offset, count)) reject("the file is truncated");
    auto* bytes = static_cast<char*>(out);
    while (count > 0) {
      const auto got = ::pread(fd_, bytes, count, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) reject(std::string{"it cannot be read: "} + std::strerror(errno));
      if (got == 0) reject("the file is truncated");
      bytes += got;
      offset += static_cast<std::uint64_t>(got);
      count -= static_cast<std::uint64_t>(got);
    }
  }

  template <class T>
  std::vector<T> table(std::uint64_t offset, std::size_t count, std::size_t entry_size) const {
    if (entry_size != sizeof(T)) reject("its ELF header is damaged");
    std::vector<T> entries(count);
    read(offset, entries.data(), count * sizeof(T));
    return entries;
  }

  [[nodiscard]] bool contains(std::uint64_t offset, std::uint64_t count) const noexcept {
    return offset <= size_ && count <= size_ - offset;
  }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

 private:
  int fd_;
  std::uint64_t size_ = 0;
};

/// This library's own ELF header, as it was mapped: what a plugin must be like to be loaded beside it.
const Elf64_Ehdr& own_header() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&probe_plugin), &info) == 0) reject("this program cannot find itself");
  return *static_cast<const Elf64_Ehdr*>(info.dli_fbase);
}

std::string machine_name(unsigned machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "AArch64";
    case EM_PPC64:
      return "PowerPC64";
    case EM_S390:
      return "S/390";
    default:
      return "ELF machine " + std::to_string(machine);
  }
}

Elf64_Ehdr read_header(const ElfFile& file) {
  if (file.size() == 0) reject("the file is empty");
  Elf64_Ehdr header{};
  file.read(0, &header, std::min<std::uint64_t>(file.size(), SELFMAG));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) reject("it is not an ELF file");
  file.read(0, &header, sizeof header);
  const auto& own = own_header();
  if (header.e_ident[EI_CLASS] != own.e_ident[EI_CLASS] || header.e_ident[EI_DATA] != own.e_ident[EI_DATA]) {
    reject("it is not a 64-bit ELF file of this machine's byte order");
  }
  if (header.e_machine != own.e_machine) {
    reject("it is built for " + machine_name(header.e_machine) + ", this program for " + machine_name(own.e_machine));
  }
  if (header.e_type != ET_DYN) reject("it is not a shared object");
  return header;
}

/// A segment beyond the file's end would load and then end the process with SIGBUS.
void check_segments(const ElfFile& file, const Elf64_Ehdr& header) {
  for (const auto& segment : file.table<Elf64_Phdr>(header.e_phoff, header.e_phnum, header.e_phentsize)) {
    if (segment.p_type == PT_LOAD && !file.contains(segment.p_offset, segment.p_filesz))
      reject("the file is truncated");
  }
}

Elf64_Shdr find_section(const ElfFile& file, const Elf64_Ehdr& header) {
  if (header.e_shnum == 0 || header.e_shstrndx >= header.e_shnum) reject("it has no section headers");
  const auto sections = file.table<Elf64_Shdr>(header.e_shoff, header.e_shnum, header.e_shentsize);
  const auto& table = sections[header.e_shstrndx];
  if (table.sh_size > max_name_table) reject("its table of section names is too large");
  std::string names(table.sh_size, '\0');
  file.read(table.sh_offset, names.data(), names.size());
  for (const auto& section : sections) {
    if (section.sh_name >= names.size()) continue;
    if (std::string_view{names.c_str() + section.sh_name} == section_name) return section;
  }
  reject("it is no visorkit plugin: it has no section " VISOR_PLUGIN_SECTION);
}

visor_plugin_identity_t read_identity(const ElfFile& file) {
  const auto header = read_header(file);
  check_segments(file, header);
  const auto section = find_section(file, header);
  if (section.sh_type != SHT_PROGBITS || section.sh_size < sizeof(visor_plugin_identity_t)) {
    reject("its section " VISOR_PLUGIN_SECTION " is too small");
  }
  visor_plugin_identity_t identity{};
  file.read(section.sh_offset, &identity, sizeof identity);
  return identity;
}

template <std::size_t Size>
bool is_text(const char (&field)[Size]) {
  const auto length = ::strnlen(field, Size);
  return length < Size && std::all_of(field, field + length, [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_name(std::string_view text) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

/// "0.1." of "0.1.7": before 1.0 a minor version may break the source.
std::string_view minor_line(std::string_view version) {
  const auto dot = version.find('.', version.find('.') + 1);
  return version.substr(0, dot == std::string_view::npos ? dot : dot + 1);
}

std::string both(std::string_view what, std::string_view theirs, std::string_view ours) {
  return std::string{"it is built for "}
      .append(what)
      .append(" ")
      .append(theirs)
      .append(", this host has ")
      .append(ours);
}

/// In the order in which a field may be believed: nothing after the ABI number means anything when that differs.
void check_identity(const visor_plugin_identity_t& identity) {
  if (identity.magic != VISOR_PLUGIN_MAGIC) reject("its identity does not start with the magic number of a plugin");
  if (identity.abi != VISOR_PLUGIN_ABI) {
    reject(both("plugin ABI", std::to_string(identity.abi), VISOR_STRINGIFY(VISOR_PLUGIN_ABI)) + ": rebuild it");
  }
  if (identity.size != sizeof identity) {
    reject("its identity has " + std::to_string(identity.size) + " bytes instead of " +
           std::to_string(sizeof identity));
  }
  if (!is_text(identity.sdk_version) || !is_text(identity.fingerprint) || !is_text(identity.compiler) ||
      !is_text(identity.name) || !is_text(identity.arch)) {
    reject("a text of its identity is not closed or not printable");
  }
  if (const auto theirs = field_text(identity.fingerprint); theirs != VISOR_FINGERPRINT) {
    reject(both("the C++ runtime", theirs, VISOR_FINGERPRINT) + ": build both alike, sanitizers included");
  }
  if (const auto theirs = field_text(identity.sdk_version); minor_line(theirs) != minor_line(host_sdk_version)) {
    reject(both("SDK", theirs, host_sdk_version) + ": rebuild it");
  }
  if (identity.kind != VISOR_PLUGIN_QEMU && identity.kind != VISOR_PLUGIN_OTHER) {
    reject("its kind " + std::to_string(identity.kind) + " is not known");
  }
  if (!is_name(field_text(identity.name)) || !is_name(field_text(identity.arch))) {
    reject("its name or architecture is empty or has characters other than letters, digits and ._-");
  }
}

}  // namespace

PluginProbe probe_plugin(int fd) {
  PluginProbe probe;
  try {
    probe.identity = read_identity(ElfFile{fd});
    check_identity(*probe.identity);
  } catch (const Rejected& rejected) {
    probe.reason = rejected.reason;
  }
  return probe;
}

}  // namespace visor::detail

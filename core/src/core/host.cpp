// SPDX-License-Identifier: Apache-2.0
#include "visor/core/host.hpp"

#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/core/unique_fd.hpp"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <vector>

namespace visor {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view blanks = " \t\r\v\f";
  std::vector<std::string_view> words;
  for (auto begin = line.find_first_not_of(blanks); begin != std::string_view::npos;) {
    const auto end = std::min(line.find_first_of(blanks, begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(blanks, end);
  }
  return words;
}

/// Calls take(line) for each line until it returns true; whether it did.
template <class Take>
bool any_line(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (take(text.substr(0, end))) return true;
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return false;
}

/// A whole text as an unsigned number, whose base its prefix tells.
std::optional<std::uint64_t> parse_any_base(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text.front() == '0') {
    base = 8;
    text.remove_prefix(1);
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// As many as there are lines that begin with "processor"; else what the system says.
std::uint32_t count_cpus(const std::filesystem::path& cpuinfo) {
  std::uint32_t count = 0;
  try {
    const auto text = read_file(cpuinfo);
    any_line(text, [&](std::string_view line) {
      if (line.starts_with("processor")) ++count;
      return false;
    });
  } catch (const Error&) {
    count = 0;
  }
  return count != 0 ? count : static_cast<std::uint32_t>(std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1L));
}

/// The first "cpu MHz : 2199.998" in kHz; 0 when there is none.
std::uint64_t read_cpu_khz(const std::filesystem::path& cpuinfo) try {
  std::uint64_t khz = 0;
  const auto text = read_file(cpuinfo);
  any_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() < 4 || words[0] != "cpu" || words[1] != "MHz") return false;
    double mhz = 0;
    std::from_chars(words[3].data(), words[3].data() + words[3].size(), mhz);
    khz = mhz > 0 && mhz < 1e6 ? static_cast<std::uint64_t>(mhz * 1000) : 0;
    return true;
  });
  return khz;
} catch (const Error&) {
  return 0;
}

/// Why KVM cannot be used; empty when it can.
std::string kvm_problem(const std::filesystem::path& path) {
  constexpr int api_version = 12;  // the only one since Linux 2.6.22
  const UniqueFd fd{::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK)};
  if (!fd) {
    const auto problem = system_error("Cannot open " + path.string(), errno);
    switch (problem.code()) {
      case Errc::not_found:
        return path.string() + " does not exist: the host has no KVM, or its module is not loaded";
      case Errc::permission_denied:
        return problem.message() + ": join the group that owns it (kvm)";
      default:
        return problem.message();
    }
  }
  const int version = ::ioctl(fd.get(), KVM_GET_API_VERSION, 0);
  if (version == api_version) return {};
  return version < 0 ? system_error(path.string() + " does not answer as KVM", errno).message()
                     : path.string() + " has API version " + std::to_string(version) + ", not 12";
}

bool can_open(const std::filesystem::path& path) {
  return static_cast<bool>(UniqueFd{::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK)});
}

}  // namespace

std::uint64_t parse_meminfo(const std::filesystem::path& path) {
  const auto text = read_file(path);
  std::optional<std::uint64_t> kib;
  any_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() >= 3 && words[0] == "MemTotal:" && words[2] == "kB") kib = parse_any_base(words[1]);
    return kib.has_value();
  });
  if (!kib) throw Error(Errc::invalid_config, "Unable to get MemTotal from " + path.string());
  return *kib;
}

bool running_on_vmm(const std::filesystem::path& cpuinfo, std::string_view arch) {
  if (arch != "amd64") return false;
  const auto text = read_file(cpuinfo);
  bool guest = false;
  const bool found = any_line(text, [&](std::string_view line) {
    const auto words = words_of(line);
    if (words.size() < 2 || !words[0].starts_with("flags")) return false;
    guest = std::find(words.begin() + 1, words.end(), "hypervisor") != words.end();
    return true;
  });
  if (!found) throw Error(Errc::invalid_config, "Cannot find flags in " + cpuinfo.string());
  return guest;
}

std::string arch_of_machine(std::string_view machine) {
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  return std::string{machine};
}

HostFacts host_facts(const HostPaths& paths) {
  HostFacts facts;
  struct utsname names{};
  if (::uname(&names) == 0) facts.arch = arch_of_machine(names.machine);
  try {
    facts.memory_mib = parse_meminfo(paths.meminfo) / 1024;
  } catch (const Error&) {
    facts.memory_mib = 0;
  }
  facts.cpus = count_cpus(paths.cpuinfo);
  facts.cpu_khz = read_cpu_khz(paths.cpuinfo);
  try {
    facts.on_vmm = running_on_vmm(paths.cpuinfo, facts.arch);
  } catch (const Error&) {
    facts.on_vmm = false;
  }
  facts.kvm_reason = kvm_problem(paths.kvm);
  facts.kvm = facts.kvm_reason.empty();
  facts.vhost_net = can_open(paths.vhost_net);
  facts.vhost_vsock = can_open(paths.vhost_vsock);
  return facts;
}

std::optional<std::string> find_program(const std::string& name) {
  const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): nothing here ever sets it
  std::istringstream folders{std::string{path != nullptr ? path : ""} + ":/usr/bin:/usr/local/bin"};
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.starts_with('/')) continue;
    auto candidate = folder + '/' + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

}  // namespace visor

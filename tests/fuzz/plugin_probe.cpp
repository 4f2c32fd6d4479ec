// SPDX-License-Identifier: Apache-2.0
// A file that says it is a plugin: it is refused with a reason, or its identity is the one of this host.
#include "plugin_probe.hpp"
#include "fuzz.hpp"

#include <sys/mman.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int file = ::memfd_create("plugin", MFD_CLOEXEC);
  if (::ftruncate(file, 0) != 0 || ::pwrite(file, data, size, 0) != static_cast<ssize_t>(size)) return 0;
  const auto probe = visor::detail::probe_plugin(file);
  visor::fuzz::require(probe.identity || !probe.reason.empty(), "what has no identity is refused");
  if (probe.identity && probe.reason.empty()) {
    visor::fuzz::require(probe.identity->abi == VISOR_PLUGIN_ABI, "what is taken has this ABI");
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "exit_code.hpp"

namespace visor::cli {

int exit_code_of(Errc code) noexcept {
  switch (code) {
    case Errc::invalid_config:
      return exit_code::usage;
    case Errc::not_found:
      return exit_code::not_found;
    case Errc::incompatible_plugin:
    case Errc::unsupported:
      return exit_code::unsupported;
    case Errc::timeout:
      return exit_code::timeout;
    case Errc::invalid_state:
    case Errc::already_exists:
    case Errc::busy:
      return exit_code::busy;
    case Errc::permission_denied:
      return exit_code::denied;
    default:
      return exit_code::failed;
  }
}

int exit_code_of(const ExitRecord& record) noexcept {
  return final_state(record) == VmState::failed ? exit_code::vm_failed : exit_code::ok;
}

}  // namespace visor::cli

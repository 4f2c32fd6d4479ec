// SPDX-License-Identifier: Apache-2.0
#include "find_program.hpp"

namespace visor::sdk {

std::vector<std::string> plain_environment() { return {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}; }

}  // namespace visor::sdk

# SPDX-License-Identifier: Apache-2.0
set(headers call capabilities describe device_config error events extension file host_context hypervisor json log
    owner_lock params plugin_abi qemu_arch unique_fd value vm vm_config vm_record vm_state)
set(sources call capabilities device_config error events file interfaces json owner_lock params units value vm_state)
list(TRANSFORM headers PREPEND include/visor/core/)
list(TRANSFORM headers APPEND .hpp)
list(TRANSFORM sources PREPEND src/core/)
list(TRANSFORM sources APPEND .cpp)
visor_add_library(core SOURCES ${sources} HEADERS ${headers} LINK_PRIVATE nlohmann_json::nlohmann_json)

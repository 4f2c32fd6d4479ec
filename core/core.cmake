# SPDX-License-Identifier: Apache-2.0
set(headers call error events json unique_fd value)
set(sources call error events json value)
list(TRANSFORM headers PREPEND include/visor/core/)
list(TRANSFORM headers APPEND .hpp)
list(TRANSFORM sources PREPEND src/core/)
list(TRANSFORM sources APPEND .cpp)
visor_add_library(core SOURCES ${sources} HEADERS ${headers} LINK_PRIVATE nlohmann_json::nlohmann_json)

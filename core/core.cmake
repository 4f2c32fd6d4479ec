# SPDX-License-Identifier: Apache-2.0
set(headers error unique_fd)
set(sources error)
list(TRANSFORM headers PREPEND include/visor/core/)
list(TRANSFORM headers APPEND .hpp)
list(TRANSFORM sources PREPEND src/core/)
list(TRANSFORM sources APPEND .cpp)
visor_add_library(core SOURCES ${sources} HEADERS ${headers} LINK_PRIVATE nlohmann_json::nlohmann_json)

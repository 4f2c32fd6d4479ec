# SPDX-License-Identifier: Apache-2.0
# The only place that looks for other projects' packages.
find_package(Threads REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
find_package(nlohmann_json 3.9 REQUIRED)
find_package(spdlog 1.9 REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
if(NOT TARGET yaml-cpp::yaml-cpp)
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)  # the package of version 0.7 has no namespace yet
endif()
find_package(PkgConfig REQUIRED)
pkg_check_modules(nettle REQUIRED IMPORTED_TARGET nettle)  # SHA-512, for core alone
if(VISOR_BUILD_TESTS)
  find_package(GTest 1.12 REQUIRED)
endif()
if(VISOR_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()

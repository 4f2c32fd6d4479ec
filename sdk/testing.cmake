# SPDX-License-Identifier: Apache-2.0
# Test doubles. They use core alone and share no code with what they stand in for, so a test may link them with the
# objects of the SDK as well as with the library.
add_library(visor_testing STATIC
  src/testing/fake_qmp_dialogue.cpp
  src/testing/fake_qmp_exchanges.cpp
  src/testing/fake_qmp_server.cpp
  src/testing/json_stream.cpp
  src/testing/match.cpp
  src/testing/qmp_script.cpp
  src/testing/script_fields.cpp
  src/testing/script_text.cpp
  src/testing/script_yaml.cpp)
add_library(visorkit::testing ALIAS visor_testing)
target_link_libraries(visor_testing PUBLIC visorkit::core
  PRIVATE $<BUILD_INTERFACE:visor_warnings> yaml-cpp::yaml-cpp Threads::Threads)
target_include_directories(visor_testing PRIVATE src)
target_sources(visor_testing PUBLIC FILE_SET HEADERS BASE_DIRS include FILES
  include/visor/testing/fake_qmp_server.hpp
  include/visor/testing/qmp_script.hpp)
set_target_properties(visor_testing PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON EXPORT_NAME testing
  OUTPUT_NAME visor-testing)

add_executable(visor-fake-qemu src/testing/fake_qemu.cpp)
target_link_libraries(visor-fake-qemu PRIVATE visor_testing visor_warnings)

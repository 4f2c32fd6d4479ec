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
  src/testing/record/record_qmp.cpp
  src/testing/record/transcript.cpp
  src/testing/record/yaml_writer.cpp
  src/testing/script_fields.cpp
  src/testing/script_text.cpp
  src/testing/script_yaml.cpp
  src/testing/unix_socket.cpp)
add_library(visorkit::testing ALIAS visor_testing)
target_link_libraries(visor_testing PUBLIC visorkit::core
  PRIVATE $<BUILD_INTERFACE:visor_warnings> yaml-cpp::yaml-cpp Threads::Threads)
target_include_directories(visor_testing PRIVATE src)
visor_precompile_sources(visor_testing)
target_compile_features(visor_testing INTERFACE cxx_std_20)
target_sources(visor_testing PUBLIC FILE_SET HEADERS BASE_DIRS include FILES
  include/visor/testing/fake_qmp_server.hpp
  include/visor/testing/qmp_script.hpp
  include/visor/testing/record_qmp.hpp)
set_target_properties(visor_testing PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON EXPORT_NAME testing
  OUTPUT_NAME visor-testing)

# The program that stands in for QEMU: an object library, which its unit tests link as well, and a program around it.
add_library(visor_fake_qemu_objects OBJECT
  src/testing/qemu/arguments.cpp
  src/testing/qemu/backends.cpp
  src/testing/qemu/channel.cpp
  src/testing/qemu/command_line.cpp
  src/testing/qemu/cpus.cpp
  src/testing/qemu/devices.cpp
  src/testing/qemu/drivers.cpp
  src/testing/qemu/machine.cpp
  src/testing/qemu/machine_capabilities.cpp
  src/testing/qemu/machine_migration.cpp
  src/testing/qemu/machine_observe.cpp
  src/testing/qemu/machine_queries.cpp
  src/testing/qemu/migration.cpp
  src/testing/qemu/profile.cpp
  src/testing/qemu/server.cpp
  src/testing/qemu/words.cpp)
target_include_directories(visor_fake_qemu_objects PUBLIC src)
target_link_libraries(visor_fake_qemu_objects PUBLIC visor_testing PRIVATE visor_warnings)
visor_precompile_sources(visor_fake_qemu_objects)
add_executable(visor-fake-qemu src/testing/qemu/main.cpp)
target_link_libraries(visor-fake-qemu PRIVATE visor_fake_qemu_objects visor_warnings)

add_executable(visor-qmp-record src/testing/record/main.cpp)
target_link_libraries(visor-qmp-record PRIVATE visor_testing visor_warnings)
foreach(program fake-qemu qmp-record)
  target_compile_definitions(visor-${program} PRIVATE VISOR_TESTING_VERSION="${PROJECT_VERSION}")
  set_target_properties(visor-${program} PROPERTIES EXPORT_NAME ${program})
endforeach()

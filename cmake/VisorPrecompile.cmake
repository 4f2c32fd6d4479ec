# SPDX-License-Identifier: Apache-2.0
# visor_precompile(<folder>...)
#
# Lets every program of these folders begin with the headers that all tests read, compiled once: half of what a test
# takes to compile. They are headers of the system alone, so that the compiler cache may share the result between
# clones. Only g++: the clang build shows that each file includes what it needs.
function(visor_precompile)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    return()
  endif()
  add_library(visor_precompiled OBJECT ${PROJECT_SOURCE_DIR}/tests/support/precompiled.cpp)
  target_link_libraries(visor_precompiled PRIVATE visor_warnings GTest::gtest Threads::Threads)
  # As programs are compiled. The compiler cache needs the second option in whatever begins with such headers.
  set_target_properties(visor_precompiled PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(visor_precompiled PRIVATE -fPIE -fpch-preprocess)
  target_precompile_headers(visor_precompiled PRIVATE
    <gtest/gtest.h> <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint> <deque> <filesystem>
    <fstream> <functional> <future> <map> <memory> <mutex> <optional> <set> <sstream> <stdexcept> <string>
    <string_view> <thread> <tuple> <unordered_map> <utility> <variant> <vector>)
  foreach(folder ${ARGN})
    get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target ${targets})
      get_target_property(kind ${target} TYPE)
      get_target_property(libraries ${target} LINK_LIBRARIES)
      # A helper without GoogleTest is compiled with other definitions, which the headers do not fit.
      if(kind STREQUAL EXECUTABLE AND libraries MATCHES GTest)
        target_compile_options(${target} PRIVATE -fpch-preprocess)
        target_precompile_headers(${target} REUSE_FROM visor_precompiled)
      endif()
    endforeach()
  endforeach()
endfunction()

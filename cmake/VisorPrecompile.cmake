# SPDX-License-Identifier: Apache-2.0
# Headers that are compiled once for many sources: half of what a source takes to compile goes into reading the standard
# library. They are headers of the system alone, so that the compiler cache may share the result between clones. Only
# g++: the clang build and the linter show that each file includes what it needs.
set(VISOR_PRECOMPILE_FOLDER ${CMAKE_CURRENT_LIST_DIR})

# visor_precompile(<target> [<header>...]): a target for others to begin with what it has compiled.
function(visor_precompile target)
  add_library(${target} OBJECT ${VISOR_PRECOMPILE_FOLDER}/precompiled.cpp)
  target_link_libraries(${target} PRIVATE visor_warnings)
  target_compile_options(${target} PRIVATE -fpch-preprocess)  # the compiler cache needs it
  target_precompile_headers(${target} PRIVATE <algorithm> <array> <atomic> <chrono> <condition_variable> <cstdint>
    <deque> <filesystem> <functional> <map> <memory> <mutex> <optional> <set> <sstream> <stdexcept> <string>
    <string_view> <thread> <tuple> <utility> <variant> <vector> ${ARGN})
endfunction()

# visor_begin_precompiled(<target> <precompiled>): its sources begin with that. It must be compiled in the same way.
function(visor_begin_precompiled target precompiled)
  target_compile_options(${target} PRIVATE -fpch-preprocess)
  target_precompile_headers(${target} REUSE_FROM ${precompiled})
endfunction()

# visor_precompile_sources(<target>): every source of a library or its objects begins with the standard library.
function(visor_precompile_sources target)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    return()
  endif()
  if(NOT TARGET visor_precompiled)
    visor_precompile(visor_precompiled)
  endif()
  visor_begin_precompiled(${target} visor_precompiled)
endfunction()

# visor_precompile_tests(<folder>...): every program of these folders begins with GoogleTest as well.
function(visor_precompile_tests)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    return()
  endif()
  visor_precompile(visor_precompiled_tests <gtest/gtest.h> <fstream> <future> <unordered_map>)
  target_link_libraries(visor_precompiled_tests PRIVATE GTest::gtest Threads::Threads)
  set_target_properties(visor_precompiled_tests PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(visor_precompiled_tests PRIVATE -fPIE)  # as programs are compiled
  foreach(folder ${ARGN})
    get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
    foreach(target ${targets})
      get_target_property(kind ${target} TYPE)
      get_target_property(libraries ${target} LINK_LIBRARIES)
      # A helper without GoogleTest is compiled with other definitions, which the headers do not fit.
      if(kind STREQUAL EXECUTABLE AND libraries MATCHES GTest)
        visor_begin_precompiled(${target} visor_precompiled_tests)
      endif()
    endforeach()
  endforeach()
endfunction()

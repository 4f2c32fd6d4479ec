# SPDX-License-Identifier: Apache-2.0
# Compiler settings of this build: language level, visibility, warnings, sanitizers, output folders.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

# Folders below the install prefix (and, in the same shape, below the build folder). The libraries find them relative
# to themselves at run time, so an installed tree can be moved.
set(VISOR_PLUGIN_SUBDIR visorkit/plugins)
set(VISOR_LIBEXEC_SUBDIR visorkit)

add_library(visor_warnings INTERFACE)
target_compile_options(visor_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                       -Woverloaded-virtual -Wconversion
                       -Wno-missing-field-initializers)  # a designated initialiser leaves the rest at its default
# g++ 12 sees overlapping and overlong copies in optimised string assignments, where there are none (its bug 105651).
target_compile_options(visor_warnings INTERFACE "$<$<AND:$<CXX_COMPILER_ID:GNU>,$<NOT:$<CONFIG:Debug>>>:\
-Wno-restrict;-Wno-array-bounds;-Wno-stringop-overflow;-Wno-stringop-overread>")
# g++ collects its garbage less often: a tenth of the build's time for some memory.
add_compile_options($<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=500000>)
option(VISOR_WERROR "Treat warnings as errors" OFF)
if(VISOR_WERROR)
  target_compile_options(visor_warnings INTERFACE -Werror)
endif()

if(VISOR_SANITIZE)
  add_compile_options(-fsanitize=${VISOR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${VISOR_SANITIZE})
endif()

if(VISOR_BUILD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

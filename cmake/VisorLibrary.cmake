# SPDX-License-Identifier: Apache-2.0
# visor_add_library(<part> SOURCES … HEADERS … [LINK_PUBLIC …] [LINK_PRIVATE …] [LINK_OPTIONS …])
#
# Builds the object library visor_<part>_objects and from it the shared library visor_<part> (alias visorkit::<part>),
# with its public headers as a verified, installed file set and a generated export header. Tests may link the objects.
include(GenerateExportHeader)
include(VisorPrecompile)

function(visor_add_library part)
  cmake_parse_arguments(ARG "" "" "SOURCES;HEADERS;LINK_PUBLIC;LINK_PRIVATE;LINK_OPTIONS" ${ARGN})
  string(TOUPPER ${part} upper)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/include)
  set(export_header ${generated}/visor/${part}/export.h)

  add_library(visor_${part}_objects OBJECT ${ARG_SOURCES})
  target_compile_definitions(visor_${part}_objects PRIVATE visor_${part}_EXPORTS)
  target_include_directories(visor_${part}_objects PUBLIC include ${generated} PRIVATE src)
  target_link_libraries(visor_${part}_objects PUBLIC ${ARG_LINK_PUBLIC} PRIVATE visor_warnings ${ARG_LINK_PRIVATE})
  visor_precompile_sources(visor_${part}_objects)

  add_library(visor_${part} SHARED)
  add_library(visorkit::${part} ALIAS visor_${part})
  target_link_libraries(visor_${part} PUBLIC ${ARG_LINK_PUBLIC} PRIVATE visor_${part}_objects ${ARG_LINK_PRIVATE})
  target_compile_features(visor_${part} INTERFACE cxx_std_20)  # whoever links it needs it for our headers
  generate_export_header(visor_${part} BASE_NAME VISOR_${upper} EXPORT_FILE_NAME ${export_header})
  target_sources(visor_${part} PUBLIC FILE_SET HEADERS BASE_DIRS include ${generated}
    FILES ${ARG_HEADERS} ${export_header})
  set_target_properties(visor_${part} PROPERTIES
    VERIFY_INTERFACE_HEADER_SETS ON EXPORT_NAME ${part} OUTPUT_NAME visor-${part}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  # clang leaves a sanitizer's symbols to the program, so its libraries cannot have all of theirs.
  target_link_options(visor_${part} PRIVATE $<$<NOT:$<BOOL:${VISOR_BUILD_FUZZ}>>:-Wl,-z,defs> ${ARG_LINK_OPTIONS})
  set_property(GLOBAL APPEND PROPERTY VISOR_LIBRARIES visor_${part})
endfunction()

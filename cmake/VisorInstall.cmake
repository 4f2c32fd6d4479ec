# SPDX-License-Identifier: Apache-2.0
# Install rules shared by all parts: the libraries, the CMake package and the pkg-config files.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/visorkit)

get_property(libraries GLOBAL PROPERTY VISOR_LIBRARIES)
set_target_properties(${libraries} PROPERTIES INSTALL_RPATH "$ORIGIN")
install(TARGETS ${libraries} EXPORT visorkit-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT visorkit-targets NAMESPACE visorkit:: DESTINATION ${package_dir})
# What only tests need is a component of its own: it alone asks its users for yaml-cpp.
set_target_properties(visor-fake-qemu visor-qmp-record PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
install(TARGETS visor_testing visor-fake-qemu visor-qmp-record EXPORT visorkit-testing-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT visorkit-testing-targets NAMESPACE visorkit:: DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/visorkit-config-version.cmake COMPATIBILITY SameMinorVersion)
configure_package_config_file(cmake/visorkit-config.cmake.in ${PROJECT_BINARY_DIR}/visorkit-config.cmake
  INSTALL_DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/visorkit-config.cmake ${PROJECT_BINARY_DIR}/visorkit-config-version.cmake
  cmake/VisorPlugin.cmake cmake/plugin.version DESTINATION ${package_dir})

cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig
  OUTPUT_VARIABLE VISOR_PC_INCLUDEDIR)
foreach(part core runtime sdk testing)
  set(VISOR_PC_NAME ${part})
  set(VISOR_PC_REQUIRES)
  set(VISOR_PC_LIBS)
  if(part STREQUAL testing)
    set(VISOR_PC_LIBS " -lyaml-cpp -pthread")  # it is static
  endif()
  if(NOT part STREQUAL core)
    set(VISOR_PC_REQUIRES "visorkit-core = ${PROJECT_VERSION}")
  endif()
  configure_file(cmake/visorkit.pc.in ${PROJECT_BINARY_DIR}/visorkit-${part}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/visorkit-${part}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

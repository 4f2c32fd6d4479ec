# SPDX-License-Identifier: Apache-2.0
# add_visor_plugin(<name> <sources> …): a plugin <name>.so that exports exactly the two symbols of the plugin ABI.
#
# Inside the project it lands in the build's plugin folder; in another project it lands in <build>/lib/visorkit/plugins
# as well, so that `visor --plugin-dir <build>/lib/visorkit/plugins` finds it. Its objects are in <name>_objects, for
# the plugin's own unit tests.
set(VISOR_PLUGIN_VERSION_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/plugin.version CACHE INTERNAL "")
if(NOT DEFINED VISOR_PLUGINS_STAY)
  set(VISOR_PLUGINS_STAY ON)
endif()

function(add_visor_plugin name)
  add_library(${name}_objects OBJECT ${ARGN})
  set_target_properties(${name}_objects PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  target_compile_features(${name}_objects PUBLIC cxx_std_20)
  target_link_libraries(${name}_objects PUBLIC visorkit::sdk PRIVATE $<TARGET_NAME_IF_EXISTS:visor_warnings>)

  add_library(${name} MODULE)
  target_link_libraries(${name} PRIVATE ${name}_objects)
  set_target_properties(${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY
    ${PROJECT_BINARY_DIR}/lib/visorkit/plugins LINK_DEPENDS ${VISOR_PLUGIN_VERSION_SCRIPT})
  target_link_options(${name} PRIVATE -Wl,-z,defs -Wl,--version-script=${VISOR_PLUGIN_VERSION_SCRIPT}
    $<$<BOOL:${VISOR_PLUGINS_STAY}>:-Wl,-z,nodelete>)
endfunction()

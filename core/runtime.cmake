# SPDX-License-Identifier: Apache-2.0
set(headers
    config_file
    log_sink
    plugin_registry
    runtime
    vm_store)
set(sources
    config_file
    config_markdown
    config_scalar
    config_schema
    config_yaml
    guard
    guarded_arch
    guarded_extension
    guarded_hypervisor
    guarded_vm
    log_sink
    plugin_file_trust
    plugin_library
    plugin_paths
    plugin_probe
    plugin_registry
    plugin_scan
    process_check
    run_folder
    runtime
    vm_store)
list(TRANSFORM headers PREPEND include/visor/runtime/)
list(TRANSFORM headers APPEND .hpp)
list(TRANSFORM sources PREPEND src/runtime/)
list(TRANSFORM sources APPEND .cpp)
visor_add_library(runtime SOURCES ${sources} HEADERS ${headers} LINK_PUBLIC visorkit::core
  LINK_PRIVATE Boost::headers yaml-cpp::yaml-cpp nlohmann_json::nlohmann_json spdlog::spdlog ${CMAKE_DL_LIBS})

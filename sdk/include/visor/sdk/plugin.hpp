// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/plugin_abi.hpp"

#if defined(__clang__)
#define VISOR_COMPILER "clang " VISOR_STRINGIFY(__clang_major__) "." VISOR_STRINGIFY(__clang_minor__)
#else
#define VISOR_COMPILER "gcc " VISOR_STRINGIFY(__GNUC__) "." VISOR_STRINGIFY(__GNUC_MINOR__)
#endif

/// Defines the two constants that make a library a plugin. Use it once, at namespace scope, in one .cpp of a target
/// made by add_visor_plugin():
///
///   VISOR_DEFINE_PLUGIN(VISOR_PLUGIN_OTHER, "mock", "any", &create_hypervisor, nullptr);
///
/// kind: a visor_plugin_kind · name: at most 31 of [A-Za-z0-9._-], unique among the plugins that a host loads · arch:
/// the guest architecture (at most 15 characters), or "any" · create_hypervisor, create_arch: see visor_plugin_entry_t.
/// The factories run with the host's HostContext alone: the plugin's static objects must not do work of their own.
#define VISOR_DEFINE_PLUGIN(kind, name, arch, create_hypervisor, create_arch)                                         \
  [[gnu::used, gnu::section(VISOR_PLUGIN_SECTION)]] constinit const visor_plugin_identity_t visor_plugin_identity = { \
      VISOR_PLUGIN_MAGIC,                                                                                             \
      VISOR_PLUGIN_ABI,                                                                                               \
      sizeof(visor_plugin_identity_t),                                                                                \
      kind,                                                                                                           \
      VISOR_SDK_VERSION,                                                                                              \
      VISOR_FINGERPRINT,                                                                                              \
      VISOR_COMPILER,                                                                                                 \
      name,                                                                                                           \
      arch};                                                                                                          \
  [[gnu::used]] constinit const visor_plugin_entry_t visor_plugin_entry = {sizeof(visor_plugin_entry_t), 0,           \
                                                                           create_hypervisor, create_arch}

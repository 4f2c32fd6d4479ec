// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>  // defines _GLIBCXX_USE_CXX11_ABI

/// The boundary between a host and a plugin: two exported constants. Plugins define them with VISOR_DEFINE_PLUGIN of
/// visor/sdk/plugin.hpp. The identity has no pointers and a section of its own, so that a host can read it from the
/// file before any code of the plugin runs.

#define VISOR_PLUGIN_MAGIC 0x52534956u  // "VISR"
/// Bumped with every change to these two structs, to an interface's vtable or to a value type in core.
#define VISOR_PLUGIN_ABI 3u
#define VISOR_PLUGIN_SECTION ".visor.plugin"
#define VISOR_SDK_VERSION "0.1.0"

#define VISOR_STRINGIFY_(x) #x
#define VISOR_STRINGIFY(x) VISOR_STRINGIFY_(x)

#if defined(__SANITIZE_ADDRESS__)
#define VISOR_FINGERPRINT_ASAN ".asan"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VISOR_FINGERPRINT_ASAN ".asan"
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define VISOR_FINGERPRINT_TSAN ".tsan"
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define VISOR_FINGERPRINT_TSAN ".tsan"
#endif
#endif
#ifndef VISOR_FINGERPRINT_ASAN
#define VISOR_FINGERPRINT_ASAN ""
#endif
#ifndef VISOR_FINGERPRINT_TSAN
#define VISOR_FINGERPRINT_TSAN ""
#endif
#if defined(_GLIBCXX_DEBUG)
#define VISOR_FINGERPRINT_DEBUG ".glibcxxdebug"
#else
#define VISOR_FINGERPRINT_DEBUG ""
#endif

/// What must be the same on both sides for C++ objects to cross. g++ and clang++ of the same libstdc++ agree;
/// __GXX_ABI_VERSION differs between them although they work together, so it is no part of it.
#define VISOR_FINGERPRINT                                                  \
  "glibcxx" VISOR_STRINGIFY(_GLIBCXX_RELEASE) ".cxx11abi" VISOR_STRINGIFY( \
      _GLIBCXX_USE_CXX11_ABI) ".ptr" VISOR_STRINGIFY(__SIZEOF_POINTER__)   \
      VISOR_FINGERPRINT_ASAN VISOR_FINGERPRINT_TSAN VISOR_FINGERPRINT_DEBUG

namespace visor {
class Hypervisor;
class QemuArch;
struct HostContext;
}  // namespace visor

extern "C" {

enum visor_plugin_kind : std::uint32_t { VISOR_PLUGIN_QEMU = 1, VISOR_PLUGIN_OTHER = 2 };

struct visor_plugin_identity_t {
  std::uint32_t magic;  ///< VISOR_PLUGIN_MAGIC
  std::uint32_t abi;    ///< VISOR_PLUGIN_ABI
  std::uint32_t size;   ///< sizeof(visor_plugin_identity_t)
  std::uint32_t kind;   ///< visor_plugin_kind
  char sdk_version[16];
  char fingerprint[64];
  char compiler[48];  ///< shown only
  char name[32];
  char arch[16];  ///< guest architecture, or "any"
};

struct visor_plugin_entry_t {
  std::uint32_t size;  ///< sizeof(visor_plugin_entry_t)
  std::uint32_t reserved;
  /// Returns a new object that the host owns, or throws. Required.
  visor::Hypervisor* (*create_hypervisor)(const visor::HostContext*);
  /// Returns a new object that the host owns, or throws. Null unless the kind is VISOR_PLUGIN_QEMU.
  visor::QemuArch* (*create_qemu_arch)();
};

// Declared extern here: a namespace-scope const is internal even inside extern "C" and would not be exported.
__attribute__((visibility("default"))) extern const visor_plugin_identity_t visor_plugin_identity;
__attribute__((visibility("default"))) extern const visor_plugin_entry_t visor_plugin_entry;
}

static_assert(sizeof(visor_plugin_identity_t) == 192);

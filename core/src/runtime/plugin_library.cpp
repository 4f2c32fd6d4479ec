// SPDX-License-Identifier: Apache-2.0
#define BOOST_DLL_USE_STD_FS
#include "plugin_library.hpp"

#include "visor/core/error.hpp"

#include <boost/dll/shared_library.hpp>

#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visor::detail {
namespace {

namespace dll = boost::dll;

Error cannot_load(const std::filesystem::path& file, const std::string& reason) {
  return {Errc::incompatible_plugin, "Cannot load the plugin " + file.string() + ": " + reason};
}

/// dlerror()'s part of what Boost.DLL says.
std::string linker_words(std::string_view text) {
  constexpr std::string_view before = "dlerror system message: ";
  const auto begin = text.find(before);
  const auto end = text.rfind("): ");
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return std::string{text};
  return std::string{text.substr(begin + before.size(), end - begin - before.size())};
}

dll::shared_library open_library(const std::filesystem::path& file) {
  try {
    // The overload with an error_code loses what dlerror() says.
    return dll::shared_library{file, dll::load_mode::rtld_now | dll::load_mode::rtld_local};
  } catch (const std::exception& error) {
    throw cannot_load(file, linker_words(error.what()));
  }
}

template <class T>
const T& symbol(const dll::shared_library& library, const char* name, const std::filesystem::path& file) {
  if (!library.has(name)) throw cannot_load(file, std::string{"it does not export "} + name);
  return library.get<const T>(name);
}

class MappedLibrary final : public PluginLibrary {
 public:
  MappedLibrary(const std::filesystem::path& file, const visor_plugin_identity_t& expected)
      : library_{open_library(file)}, entry_{&symbol<visor_plugin_entry_t>(library_, "visor_plugin_entry", file)} {
    const auto& mapped = symbol<visor_plugin_identity_t>(library_, "visor_plugin_identity", file);
    if (std::memcmp(&mapped, &expected, sizeof expected) != 0) {
      throw cannot_load(file, "what was mapped is not what was read from the file");
    }
    if (entry_->size != sizeof *entry_) {
      throw cannot_load(file, "its entry has " + std::to_string(entry_->size) + " bytes instead of " +
                                  std::to_string(sizeof *entry_));
    }
    if (entry_->create_hypervisor == nullptr) throw cannot_load(file, "it has no factory for its hypervisor");
  }
  [[nodiscard]] const visor_plugin_entry_t& entry() const noexcept override { return *entry_; }

 private:
  dll::shared_library library_;
  const visor_plugin_entry_t* entry_;
};

/// Libraries that this thread still runs code of; it unmaps them as it ends.
class LeftBehind {
 public:
  ~LeftBehind() { over = true; }
  static void add(const MappedLibrary* library) {
    // At the end of the process, static objects of plugins go after this thread's own.
    if (over) return;
    static thread_local LeftBehind mine;
    try {
      mine.libraries_.emplace_back(library);
    } catch (const std::bad_alloc&) {
      return;  // it stays loaded
    }
  }

 private:
  static inline thread_local bool over = false;
  std::vector<std::unique_ptr<const MappedLibrary>> libraries_;
};

thread_local bool token_is_going = false;

void release(const MappedLibrary* library) {
  if (token_is_going) {
    LeftBehind::add(library);
  } else {
    delete library;
  }
}

class Token {
 public:
  explicit Token(std::shared_ptr<const PluginLibrary> library) : library_{std::move(library)} {}
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;
  ~Token() {
    const bool before = std::exchange(token_is_going, true);
    library_.reset();
    token_is_going = before;
  }

 private:
  std::shared_ptr<const PluginLibrary> library_;
};

}  // namespace

std::shared_ptr<const PluginLibrary> load_plugin_library(const std::filesystem::path& file,
                                                         const visor_plugin_identity_t& expected) {
  auto library = std::make_unique<const MappedLibrary>(file, expected);
  return {library.release(), &release};
}

std::shared_ptr<void> make_library_token(std::shared_ptr<const PluginLibrary> library) {
  return std::make_shared<Token>(std::move(library));
}

}  // namespace visor::detail

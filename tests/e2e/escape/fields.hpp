// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "support/temporary_folder.hpp"
#include "told.hpp"
#include "visor/core/vm_config.hpp"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace visor::test {

/// What a text becomes before it is configured.
enum class Made : std::uint8_t {
  text,    ///< stays as it is
  word,    ///< without the blanks around it, which the configuration takes away
  blob,    ///< the name of a file of the firmware configuration: "opt/" before it
  disk,    ///< a file of that name, or now and then the text itself as a path
  small,   ///< the same, with small_file in it
  folder,  ///< a folder of that name
  socket,  ///< a path in a folder that is there
  kernel,  ///< a file that QEMU loads as a kernel
  flash,   ///< a file of 64 KiB
};

inline constexpr std::string_view small_file = "a few bytes";

struct Field;

/// One text in one field.
struct Case {
  const Field* field = nullptr;
  std::string id;     ///< of its device, and nobody else's
  std::string value;  ///< what is configured
};

/// A field of the configuration that takes any text, or says that it does not.
struct Field {
  std::string_view name;
  std::string_view key;        ///< a refusal has it in its text
  unsigned count = 1;          ///< how many of it a VM has
  bool everywhere = false;     ///< on all architectures, else on amd64 alone
  int turn = -1;               ///< 0 or 1: in every other VM, since it takes another field's place
  bool unique = false;         ///< two of one VM cannot be the same
  std::size_t longest = 5000;  ///< QEMU's or the guest's limit that a configuration cannot know
  Made made = Made::text;
  void (*put)(VmConfig& config, const Case& one) = nullptr;
  std::optional<std::string> (*told)(Told& qemu, const Case& one) = nullptr;
};

const std::vector<Field>& fields();

/// Makes the files that a configuration names, in a folder of its own.
class Files {
 public:
  explicit Files(std::string arch);

  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
  /// Of this text, for this field. Files that the host cannot have are not made: the configuration must be refused.
  std::string value_of(const Field& field, const std::string& text, std::size_t number);
  /// A sound configuration of the smallest VM.
  [[nodiscard]] VmConfig base() const;

 private:
  void make(Made made, const std::string& path) const;
  std::string arch_;
  TemporaryFolder folder_;
};

}  // namespace visor::test

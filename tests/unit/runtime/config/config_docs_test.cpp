// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"
#include "visor/core/file.hpp"
#include "visor/runtime/config_file.hpp"

namespace visor {
namespace {

/// With VISOR_UPDATE_DOCS set the file is written, and the test passes when that works.
void expect_document(const std::string& name, const std::string& text) {
  const auto path = std::filesystem::path{VISOR_DOCS_DIR} / name;
  if (std::getenv("VISOR_UPDATE_DOCS") != nullptr) {  // NOLINT(concurrency-mt-unsafe): nothing sets variables here
    std::ofstream{path, std::ios::binary} << text;
  }
  EXPECT_TRUE(read_file(path) == text)
      << path << " is not what the tables say: run VISOR_UPDATE_DOCS=1 ctest -R ConfigDocs and commit it";
}

TEST(ConfigDocs, ConfigMdIsFromTheTables) { expect_document("CONFIG.md", config_markdown()); }
TEST(ConfigDocs, SchemaIsFromTheTables) { expect_document("visorkit.schema.json", config_schema()); }

TEST(ConfigDocs, TheExampleLoads) {
  const auto text = config_markdown();
  const std::string fence = "```yaml\n";
  const auto begin = text.find(fence) + fence.size();
  const auto config = load_config_text(text.substr(begin, text.find("```", begin) - begin), "example", "/vm");
  EXPECT_EQ(config.boot.kernel, "/vm/vmlinuz");
  EXPECT_EQ(config.devices.size(), 1U);
}

}  // namespace
}  // namespace visor

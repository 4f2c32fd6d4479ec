// SPDX-License-Identifier: Apache-2.0
// Tests a client of QMP with the fake server.
#include "visor/core/json.hpp"
#include "visor/testing/fake_qmp_server.hpp"

#include <sys/socket.h>

#include <iostream>
#include <string>

namespace {

/// The client under test: it knows as much of QMP as this test needs.
class Client {
 public:
  explicit Client(visor::UniqueFd fd) : fd_{std::move(fd)} { (void)read_line(); }

  visor::Value execute(const std::string& command) {
    const auto text = visor::to_json(visor::Value::map({{"execute", command}})) + "\n";
    (void)::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
    return visor::parse_json(read_line()).at("return");
  }

 private:
  std::string read_line() {
    std::string line;
    for (char c = 0; c != '\n' && ::recv(fd_.get(), &c, 1, 0) == 1;) line += c;
    return line;
  }

  visor::UniqueFd fd_;
};

}  // namespace

int main(int, char** argv) {
  visor::testing::FakeQmpServer server{visor::testing::QmpScript::load(argv[1])};
  {
    Client client{server.take_client()};
    client.execute("qmp_capabilities");
    std::cout << client.execute("query-status").at("status").as_string() << '\n';
  }
  const auto problem = server.finish();
  std::cout << problem;
  return problem.empty() ? 0 : 1;
}

// SPDX-License-Identifier: MPL-2.0
#include "commands.hpp"
#include "exit_codes.hpp"
#include "key_file.hpp"
#include "output.hpp"

#include <serverlink/curve.hpp>

#include <memory>
#include <stdexcept>

namespace slk::tool {

namespace {

int make_keys(const std::string& path)
{
    const auto keys = make_curve_keys();
    if (!keys)
        throw std::runtime_error(to_string(keys.error()));
    printer out(stdout);
    if (path.empty()) {
        out.line("public " + keys->public_key.text());
        out.line("secret " + keys->secret_key.text());
    } else {
        write_key_file(path, *keys);
        out.line(keys->public_key.text());
    }
    return out.exit_code(exit_ok);
}

} // namespace

void add_keygen_command(command& program)
{
    const auto path = std::make_shared<std::string>();
    command& made = program.add_command(
        "keygen", "Makes a pair of keys for CURVE: of a server, or of a client that it knows.");
    made.text({.name = "FILE",
               .help = "Write the keys to this new file, which its owner alone may read, and print "
                       "the public key; without it both are printed"},
              *path);
    made.example("slk keygen server.keys");
    made.example("slk receive pull --bind 'tcp://*:5555' --curve-server --curve-key server.keys");
    add_exit_codes(made, {});
    made.action([path] { return make_keys(*path); });
}

} // namespace slk::tool

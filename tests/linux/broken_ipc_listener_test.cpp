// SPDX-License-Identifier: MPL-2.0
// An ipc listener whose socket breaks, and its name.

#include "contract/harness.hpp"
#include "link/ipc_rig.hpp"
#include "linux/interpose.hpp"

#include <cerrno>
#include <cstdlib>

namespace slk::link_tests {

using linux_tests::call;
using linux_tests::injection;

SLK_BACKEND_TEST("an ipc listener whose socket breaks opens it again under the same name")
{
    const temporary_folder folder;
    const char* const before = std::getenv("TMPDIR");
    const std::optional<std::string> usual =
        before != nullptr ? std::optional<std::string>(before) : std::nullopt;
    ::setenv("TMPDIR", folder.path().c_str(), 1);
    const std::string abstract = "@slk-test-" + std::to_string(::getpid()) + "-broken";
    rig on({.backend = std::string(backend)});
    for (const std::string& wanted : {folder.file("socket"), std::string("*"), abstract}) {
        CAPTURE(wanted);
        const ipc_server peer(*on, wanted);
        REQUIRE(peer.listening.has_value());
        const std::string path = peer.listening->local_endpoint().host;
        link dialling = make_link(*on, ipc(path), quick());
        {
            const injection fault(call::accept4, EBADF);
            dialling.start();
            REQUIRE(on.until(
                [&] { return peer.listening->status().state == listener_state::opening; }));
            CHECK(fault.hits() == 1);
        }
        // There is never a name without a listener.
        if (path != abstract)
            CHECK_FALSE(std::filesystem::exists(path));
        REQUIRE(
            on.until([&] { return peer.listening->status().state == listener_state::listening; }));
        CHECK(peer.listening->local_endpoint().host == path);
        CHECK(on.until([&] { return connected(dialling) && peer.streams.size() == 1; }));
    }
    if (usual)
        ::setenv("TMPDIR", usual->c_str(), 1);
    else
        ::unsetenv("TMPDIR");
    CHECK(folder.is_empty());
}

} // namespace slk::link_tests

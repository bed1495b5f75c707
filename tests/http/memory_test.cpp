// SPDX-License-Identifier: MPL-2.0
// The component when one of its allocations fails.

#include "memory/worlds.hpp"
#include "raw_client.hpp"

#include <serverlink/http.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace slk;
using namespace slk::testing;

namespace {

const char* serve_and_show()
{
    auto in = new_context(1);
    EXPECT(in);
    auto receiver = new_socket<pull>(*in, pull_options{});
    EXPECT(receiver);
    EXPECT(insist([&] { return receiver->bind("tcp://127.0.0.1:0"); }));
    auto served = insist_with(http_options{}, [&](http_options given) {
        return http_server::create(*in, std::move(given));
    });
    EXPECT(served);
    const link_transition move{.from = link_state::idle, .to = link_state::binding};
    in_library([&] { served->show_link("tcp://a:1", move, link_status{}); });
    for (const char* path : {"/", "/metrics", "/state", "/none"}) {
        // Without memory there is no answer, or that of an error.
        int tries = 0;
        std::string status;
        while (status != "200" && status != "404") {
            EXPECT(++tries < 100);
            status = status_of(get(served->address(), path));
        }
    }
    in_library([&] { served->stop(); });
    return nullptr;
}

} // namespace

TEST_CASE("serving fails for one answer only, when an allocation fails")
{
    run_matrix("http", serve_and_show);
}

// SPDX-License-Identifier: MPL-2.0
// The page in a browser, with a thousand links and texts that are none of HTML's.

#include "support/child_process.hpp"
#include "support/must.hpp"
#include "support/reconnect.hpp"
#include "support/skip.hpp"
#include "support/until.hpp"

#include <serverlink/http.hpp>
#include <serverlink/serverlink.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>

using namespace slk;
using namespace slk::testing;

TEST_CASE("the page shows a thousand links in a browser, on wide and narrow screens")
{
    const char* const sources = std::getenv("SLK_SOURCE_ROOT");
    REQUIRE(sources != nullptr);
    if (std::system("command -v chromium >/dev/null 2>&1 && command -v python3 >/dev/null 2>&1") !=
        0)
        SLK_SKIP("chromium or python3 is not installed");

    auto in = must(context::create());
    auto to = must(router::create(in));
    const auto where = must(to.bind("tcp://127.0.0.1:0"));
    dealer_options options;
    options.routing_id = "<img src=x onerror=\"document.title='changed'\">";
    options.reconnect.base = options.reconnect.floor = options.reconnect.cap = 5s;
    auto from = must(dealer::create(in, options));
    must(from.connect(where));
    must(from.connect("ipc:///tmp/<b>bold</b>/none"));
    constexpr int links = 1000;
    for (int i = 2; i < links; ++i)
        must(from.connect("tcp://127.0.0.1:1"));
    REQUIRE(until([&] { return from.endpoints().front().ready; }));

    auto served = must(http_server::create(in));
    std::jthread traffic([&](const std::stop_token& ended) {
        peer_id peer;
        message got;
        while (!ended.stop_requested()) {
            (void)from.send("hello", no_wait);
            (void)to.receive(peer, got, no_wait);
            std::this_thread::sleep_for(1ms);
        }
    });
    child_process reader({"python3", std::string(sources) + "/tests/http/page_check.py",
                          served.url(), std::to_string(links)});
    std::string faults;
    while (const auto line = reader.line()) {
        if (*line == "stop")
            served.stop();
        else if (*line != "done" && !line->starts_with("at: "))
            faults += *line + '\n';
    }
    CAPTURE(faults);
    CHECK(faults.empty());
    CHECK(reader.end() == 0);
}

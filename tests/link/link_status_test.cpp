// SPDX-License-Identifier: MPL-2.0
#include <serverlink/link_status.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace slk;
using namespace std::chrono_literals;

TEST_CASE("the text of a status has the last error, but not that of a link that is connected")
{
    link_status status;
    status.last_error = {errc::connection_refused, phase::connect, 111};
    status.last_error_address = address::loopback(address_family::ipv4, 5555);
    for (const link_state each : {link_state::idle, link_state::backoff, link_state::connecting}) {
        status.state = each;
        CHECK(to_string(status, time_point{})
                  .ends_with(
                      "last error: connect: connection_refused (native 111) at 127.0.0.1:5555"));
    }
    status.state = link_state::connected;
    status.peer = status.last_error_address;
    CHECK(to_string(status, time_point{} + 5ms) ==
          "connected for 5 ms, attempt 0, connection 0, peer 127.0.0.1:5555");
}

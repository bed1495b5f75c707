// SPDX-License-Identifier: MPL-2.0
#include <serverlink/serverlink.hpp>

#include "support/sockets.hpp"

#include <span>
#include <string>
#include <vector>

using namespace slk;
using namespace slk::testing;

TEST_CASE("send_batch queues messages in order, and returns how many there was room for")
{
    auto in = new_context();
    push_options options;
    options.send_high_water_mark = 5;
    auto from = new_socket<push>(in, options);
    must(from.connect("tcp://127.0.0.1:1"));
    std::vector<message> batch;
    for (int number = 0; number < 8; ++number)
        batch.push_back(message_of(std::to_string(number)));
    CHECK(must(from.send_batch(batch, no_wait)) == 5);
    CHECK(batch[4].empty());
    CHECK(batch[5].text() == "5");
    CHECK(code_of(from.send_batch(std::span(batch).subspan(5), no_wait)) == errc::would_block);

    auto to = new_socket<pull>(in);
    bind_and_connect(to, from);
    CHECK(must(from.send_batch(std::span(batch).subspan(5), test_timeout)) == 3);
    std::vector<message> got(8);
    std::size_t count = 0;
    while (count < 3)
        count += must(to.receive_batch(std::span(got).subspan(count), test_timeout));
    CHECK(got[0].text() == "5");
    CHECK(got[2].text() == "7");
}

TEST_CASE("without a loop thread send_batch() sends the batch before it returns")
{
    auto receiving = new_context();
    auto sending = new_context(0);
    auto to = new_socket<pull>(receiving);
    auto from = new_socket<push>(sending);
    bind_and_connect(to, from);
    must(from.wait_ready(test_timeout));
    std::vector<message> batch(900);
    for (int round = 0; round < 5; ++round) {
        for (message& each : batch)
            each = message_of(std::string(60, 'x'));
        CHECK(must(from.send_batch(batch, test_timeout)) == batch.size());
        message got;
        std::size_t count = 0;
        while (count < batch.size() && to.receive(got, test_timeout))
            ++count;
        CHECK(count == batch.size());
    }
}

// SPDX-License-Identifier: MPL-2.0

// Messages over every transport, with and without a loop thread.

#include <serverlink/serverlink.hpp>

#include "support/quiet_port.h"
#include "support/sockets.hpp"

#include <string>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

struct combination {
    int threads;
    const char* endpoint;
};

const std::vector<combination>& combinations()
{
    static const std::vector<combination> all{
        {1, "tcp://127.0.0.1:*"}, {0, "tcp://127.0.0.1:*"}, {2, "tcp://127.0.0.1:*"},
        {1, "inproc://here"},     {0, "inproc://here"},
#if !defined(_WIN32)
        {1, "ipc://*"},           {0, "ipc://*"},
#endif
    };
    return all;
}

} // namespace

TEST_CASE("messages of every size arrive whole and in order, over every transport, with a loop "
          "thread and without")
{
    for (const auto& [threads, where] : combinations()) {
        CAPTURE(threads);
        CAPTURE(where);
        auto in = new_context(threads);
        auto to = new_socket<pull>(in);
        auto from = new_socket<push>(in);
        bind_and_connect(to, from, where);
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65},
              std::size_t{255}, std::size_t{256}, std::size_t{8191}, std::size_t{8192},
              std::size_t{65536}, std::size_t{3'000'000}}) {
            CAPTURE(size);
            std::string body(size, 'x');
            for (std::size_t at = 0; at < size; at += 97)
                body[at] = static_cast<char>('a' + at % 26);
            CHECK(must(from.send(std::string_view(body), test_timeout)) == send_outcome::queued);
            CHECK(receive_text(to) == body);
        }
    }
}

TEST_CASE("a message of parts is received part by part or at once")
{
    for (const auto& [threads, where] : combinations()) {
        CAPTURE(threads);
        CAPTURE(where);
        auto in = new_context(threads);
        auto a = new_socket<pair>(in);
        auto b = new_socket<pair>(in);
        bind_and_connect(a, b, where);
        for (int round = 0; round < 2; ++round) {
            multipart whole;
            must(whole.add("one"));
            must(whole.add(""));
            must(whole.add(std::string(20'000, 'z')));
            must(b.send(std::move(whole), test_timeout));
            CHECK(whole.empty());
        }
        multipart got;
        must(a.receive(got, test_timeout));
        CHECK(texts_of(got) == std::vector<std::string>{"one", "", std::string(20'000, 'z')});
        message part;
        must(a.receive(part, test_timeout));
        CHECK(part.more());
        must(a.receive(part, no_wait));
        CHECK(part.more());
        CHECK(part.empty());
        must(a.receive(part, no_wait));
        CHECK_FALSE(part.more());
        CHECK(part.size() == 20'000);
    }
}

TEST_CASE("messages sent before the peer binds arrive when it binds, over every transport")
{
    for (const int threads : {0, 1}) {
        auto in = new_context(threads);
        auto from = new_socket<push>(in, reconnect_at_once());
        must(from.connect("inproc://later"));
        must(from.send("early", no_wait));
        auto to = new_socket<pull>(in);
        CHECK(must(to.bind("inproc://later")) == "inproc://later");
        CHECK(receive_text(to) == "early");

        for (bool bound = false; !bound;) {
            const std::string free_port = "tcp://127.0.0.1:" + std::to_string(next_quiet_port());
            auto late = new_socket<push>(in, reconnect_at_once());
            must(late.connect(free_port));
            must(late.send("early as well", no_wait));
            const auto outcome = to.bind(free_port);
            // Another process may have the port.
            bound = outcome || outcome.error() != errc::address_in_use;
            CHECK((outcome || !bound));
            CHECK((!outcome || receive_text(to) == "early as well"));
        }
    }
}

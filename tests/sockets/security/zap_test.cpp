// SPDX-License-Identifier: MPL-2.0

// A ZAP handler in a thread of its own, as programs for libzmq have it.

#include <serverlink/serverlink.hpp>

#include "support/endpoints.hpp"
#include "support/sockets.hpp"

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <unistd.h>
#endif

using namespace slk;
using namespace slk::testing;

namespace {

/// Lets in who comes from 127.0.0.1 and has the right password, if it has one.
class handler_thread {
public:
    explicit handler_thread(context& in, std::string allowed = "127.0.0.1")
        : requests_(must(frame_socket::create(in, socket_type::rep))), allowed_(std::move(allowed))
    {
        must(requests_.bind("inproc://zeromq.zap.01"));
        thread_ = std::thread([this] { run(); });
    }
    handler_thread(const handler_thread&) = delete;
    handler_thread& operator=(const handler_thread&) = delete;
    ~handler_thread()
    {
        ends_ = true;
        thread_.join();
    }

    std::atomic<int> asked{0};

private:
    void run()
    {
        message part;
        std::vector<std::string> request;
        while (!ends_) {
            const auto received = requests_.receive(part, 10ms);
            if (!received && received.error() != errc::timed_out)
                return;
            if (!received)
                continue;
            request.emplace_back(part.text());
            if (!part.more())
                reply(std::exchange(request, {}));
        }
    }

    void reply(const std::vector<std::string>& request)
    {
        ++asked;
        const bool right = request.size() >= 6 && request[0] == "1.0" && request[2] == "global" &&
                           request[3] == allowed_ &&
                           (request.size() == 6 || (request.size() == 8 && request[7] == "secret"));
        const std::string parts[] = {"1.0",
                                     request[1],
                                     right ? "200" : "400",
                                     right ? "" : "no",
                                     request.size() == 8 ? request[6] : "somebody",
                                     ""};
        for (const std::string& each : parts)
            (void)requests_.send(std::as_bytes(std::span(each)), &each != std::end(parts) - 1);
    }

    frame_socket requests_;
    const std::string allowed_;
    std::atomic<bool> ends_{false};
    std::thread thread_;
};

pull_options asking(bool plain)
{
    pull_options made;
    made.security.mechanism = plain ? security_mechanism::plain_server : security_mechanism::null;
    made.security.zap = zap_use::always;
    made.security.zap_domain = "global";
    return made;
}

push_options known_by(const std::string& password)
{
    push_options made = reconnect_at_once(push_options{});
    if (!password.empty()) {
        made.security.mechanism = security_mechanism::plain_client;
        made.security.own = {"admin", password};
    }
    return made;
}

} // namespace

TEST_CASE("a ZAP handler in another thread decides about many peers")
{
    for (const bool plain : {false, true}) {
        CAPTURE(plain);
        auto in = new_context(2);
        handler_thread handler(in);
        auto to = new_socket<pull>(in, asking(plain));
        const std::string at = must(to.bind(any_tcp));
        std::vector<push> all;
        for (int number = 0; number < 20; ++number) {
            all.push_back(new_socket<push>(in, known_by(plain ? "secret" : "")));
            must(all.back().connect(at));
            must(all.back().send("hello", test_timeout));
        }
        for (int number = 0; number < 20; ++number) {
            CHECK(receive_text(to) == "hello");
        }
        CHECK(handler.asked == 20);
        if (!plain)
            continue;
        auto wrong = new_socket<push>(in, known_by("wrong"));
        must(wrong.connect(at));
        CHECK(until([&] { return wrong.endpoints()[0].handshake_failures > 0; }));
        CHECK(wrong.endpoints()[0].last_handshake_failure.native == 400);
    }
}

TEST_CASE("a ZAP handler answers while sockets, contexts and the handler itself end")
{
    for (int round = 0; round < 40; ++round) {
        const bool plain = round % 2 == 0;
        auto in = new_context(1);
        std::optional<handler_thread> handler(in);
        std::optional<pull> to{new_socket<pull>(in, asking(plain))};
        const std::string at = must(to->bind(any_tcp));
        std::vector<push> all;
        for (int number = 0; number < 5; ++number) {
            all.push_back(new_socket<push>(in, known_by(plain ? "secret" : "")));
            must(all.back().connect(at));
        }
        switch (round / 2 % 5) {
        case 0: must(to->wait_ready(test_timeout)); break;
        case 1: all.clear(); break;
        case 2: to.reset(); break;
        case 3: handler.reset(); break;
        default: in.shutdown(); break;
        }
    }
}

#if defined(__linux__)
TEST_CASE("a ZAP handler learns by ipc which user and process a peer is")
{
    auto in = new_context();
    std::string allowed = "localhost";
    for (const auto number :
         {std::int64_t{::getuid()}, std::int64_t{::getgid()}, std::int64_t{::getpid()}})
        allowed += ":" + std::to_string(number);
    const handler_thread handler(in, allowed);
    auto to = new_socket<pull>(in, asking(false));
    auto from = new_socket<push>(in, known_by(""));
    bind_and_connect(to, from, "ipc://*");
    must(from.send("let in", test_timeout));
    CHECK(receive_text(to) == "let in");
}
#endif

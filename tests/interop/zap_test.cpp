// SPDX-License-Identifier: MPL-2.0

// Authentication against libzmq: our ZAP handlers and authenticators about its clients, and its
// handler about ours.

#include "interop_rig.hpp"

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

using namespace slk;
using namespace slk::testing;

namespace {

/// What a handler answers to every request.
using answers = std::vector<std::string>;

/// A handler of ours in a thread, in the manner of pyzmq's ThreadAuthenticator: it knows addresses
/// that it lets in.
class our_handler {
public:
    our_handler(context& in, std::string allowed, std::string otherwise)
        : requests_(must(frame_socket::create(in, socket_type::rep))), allowed_(std::move(allowed)),
          otherwise_(std::move(otherwise))
    {
        must(requests_.bind("inproc://zeromq.zap.01"));
        thread_ = std::jthread([this](const std::stop_token& stop) {
            std::vector<std::string> request;
            for (message part; !stop.stop_requested();) {
                if (!requests_.receive(part, 10ms))
                    continue;
                request.emplace_back(part.text());
                if (!part.more())
                    reply_to(std::exchange(request, {}));
            }
        });
    }

private:
    void reply_to(const std::vector<std::string>& request)
    {
        const bool allows = request.size() > 5 && request[3] == allowed_;
        const answers reply{"1.0", request.at(1), allows ? "200" : otherwise_, "", "joe", ""};
        for (std::size_t part = 0; part < reply.size(); ++part)
            (void)requests_.send(std::as_bytes(std::span(reply[part])), part + 1 < reply.size());
    }

    frame_socket requests_;
    std::string allowed_;
    std::string otherwise_;
    std::jthread thread_;
};

pull_options asks_handler(bool plain)
{
    pull_options made;
    made.security.mechanism = plain ? security_mechanism::plain_server : security_mechanism::null;
    made.security.zap = zap_use::when_bound;
    made.security.zap_domain = "global";
    return made;
}

void set_client(libzmq_socket& theirs, bool plain)
{
    theirs.set(ZMQ_RECONNECT_IVL, 5);
    if (!plain)
        return;
    theirs.set(ZMQ_PLAIN_USERNAME, "admin");
    theirs.set(ZMQ_PLAIN_PASSWORD, "secret");
}

/// libzmq's handler.
class their_handler {
public:
    their_handler(libzmq_context& in, std::string status)
        : requests_(in, ZMQ_REP), status_(std::move(status))
    {
        requests_.bind("inproc://zeromq.zap.01");
        thread_ = std::jthread([this](const std::stop_token& stop) {
            while (!stop.stop_requested())
                if (const auto request = requests_.receive(10ms); request)
                    requests_.send({request->at(0), request->at(1), status_, "", "", ""});
        });
    }

private:
    libzmq_socket requests_;
    std::string status_;
    std::jthread thread_;
};

} // namespace

TEST_CASE("our ZAP handler lets libzmq's clients in by their address")
{
    for (const bool plain : {false, true}) {
        CAPTURE(plain);
        context mine = new_context();
        const our_handler handler(mine, "127.0.0.1", "400");
        auto ours = new_socket<pull>(mine, asks_handler(plain));
        libzmq_context libzmq;
        libzmq_socket theirs(libzmq, ZMQ_PUSH);
        set_client(theirs, plain);
        REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
        REQUIRE(theirs.send({"hello"}));
        CHECK(receive_from(ours) == parts{"hello"});
        CHECK(ours.peers().at(0).user == "joe");
    }
}

TEST_CASE("our ZAP handler refuses libzmq's clients, which see the status")
{
    for (const bool plain : {false, true}) {
        for (const int status : {400, 500}) {
            CAPTURE(plain);
            CAPTURE(status);
            context mine = new_context();
            const our_handler handler(mine, "10.0.0.1", std::to_string(status));
            auto ours = new_socket<pull>(mine, asks_handler(plain));
            libzmq_context libzmq;
            libzmq_socket theirs(libzmq, ZMQ_PUSH);
            set_client(theirs, plain);
            libzmq_monitor events(libzmq, theirs);
            REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
            CHECK(events.wait_for(ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == status);
            CHECK(until([&] { return status_of(ours).handshake_failures > 0; }));
            CHECK(status_of(ours).last_handshake_failure.native == status);
        }
    }
}

TEST_CASE("libzmq's client comes again after a temporary refusal, and waits for a late answer")
{
    for (const bool plain : {false, true}) {
        CAPTURE(plain);
        context mine = new_context();
        std::atomic<int> asked{0};
        std::atomic<bool> is_kept{false};
        std::optional<pending_authentication> kept;
        pull_options options = asks_handler(plain);
        options.security.zap = zap_use::never;
        options.security.authenticator =
            [&](const authentication_request& who) -> std::optional<authentication_answer> {
            if (++asked == 1)
                return authentication_answer::try_again;
            kept = who.answer_later();
            is_kept = true;
            return std::nullopt;
        };
        auto ours = new_socket<pull>(mine, options);
        libzmq_context libzmq;
        libzmq_socket theirs(libzmq, ZMQ_PUSH);
        set_client(theirs, plain);
        REQUIRE(theirs.connect(must(ours.bind(any_tcp))));
        REQUIRE(theirs.send({"hello"}));
        REQUIRE(until([&] { return is_kept.load(); }));
        message nothing;
        CHECK_FALSE(ours.receive(nothing, short_timeout));
        CHECK(kept->answer(authentication_answer::accepted));
        CHECK(receive_from(ours) == parts{"hello"});
        CHECK(asked == 2);
    }
}

TEST_CASE("libzmq's ZAP handler refuses our clients, which see the status")
{
    for (const bool plain : {false, true}) {
        for (const int status : {200, 300, 400, 500}) {
            CAPTURE(plain);
            CAPTURE(status);
            libzmq_context libzmq;
            const their_handler handler(libzmq, std::to_string(status));
            libzmq_socket theirs(libzmq, ZMQ_PULL);
            theirs.set(ZMQ_PLAIN_SERVER, plain ? 1 : 0);
            theirs.set(ZMQ_ZAP_DOMAIN, "global");
            theirs.set(ZMQ_HANDSHAKE_IVL, 500);
            libzmq_monitor events(libzmq, theirs);
            context mine = new_context();
            push_options options = reconnect_at_once(push_options{});
            if (plain) {
                options.security.mechanism = security_mechanism::plain_client;
                options.security.own = {"admin", "secret"};
            }
            auto ours = new_socket<push>(mine, options);
            must(ours.connect(theirs.bind(any_tcp)));
            if (status == 200) {
                REQUIRE(send_to(ours, {"hello"}));
                CHECK(theirs.receive() == parts{"hello"});
                continue;
            }
            CHECK(events.wait_for(ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) == status);
            CHECK(until([&] { return status_of(ours).handshake_failures > 0; }));
            const error seen = status_of(ours).last_handshake_failure;
            CHECK((seen == errc::authentication_refused) == (status != 300));
            CHECK((seen.native == status) == (status != 300));
        }
    }
}

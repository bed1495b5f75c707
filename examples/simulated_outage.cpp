// SPDX-License-Identifier: MPL-2.0
// Tests a program against an outage, in simulated time: the program sends requests to a server, and
// must get every reply although the network is cut for a minute and a connection is reset in the
// middle of a reply.
#include <serverlink/serverlink.hpp>

#include <array>
#include <chrono>
#include <cstdio>
#include <optional>

using namespace std::chrono_literals;

namespace {

using message = std::array<std::byte, 8>;

// The program. It has no code for the simulation, and runs on a real loop as well.
class requester {
public:
    slk::result<void> start(slk::loop& on)
    {
        slk::link_options options;
        SLK_TRY(options.to, slk::endpoint::parse("tcp://server:5000"));
        options.tuning.user_timeout = 2s; // give up a connection that is silent for longer
        SLK_TRY(link_, slk::link::create(on, options, {.connected = [this](slk::stream stream) {
                                             stream_ = std::move(stream);
                                             received_ = 0;
                                             request(); // repeats one without a reply
                                         }}));
        link_->start();
        return {};
    }
    [[nodiscard]] int replies() const { return replies_; }
    [[nodiscard]] slk::link_status status() const { return link_->status(); }

private:
    void request()
    {
        (void)stream_.send(request_, [](const auto&) {});
        receive_reply();
    }
    void receive_reply()
    {
        (void)stream_.receive(std::span(reply_).subspan(received_), [this](auto got) {
            if (!got || *got == 0)
                return stream_.close(); // the link reconnects, and repeats the request
            received_ += *got;
            if (received_ < reply_.size())
                return receive_reply();
            received_ = 0;
            ++replies_;
            request();
        });
    }

    message request_{};
    message reply_{};
    std::size_t received_ = 0;
    int replies_ = 0;
    slk::stream stream_;
    std::optional<slk::link> link_;
};

// The server: sends back what it receives, one connection at a time.
class echo {
public:
    slk::result<void> start(slk::loop& on)
    {
        slk::listener_options options;
        SLK_TRY(options.at, slk::endpoint::parse("tcp://*:5000"));
        SLK_TRY(listener_, slk::listener::create(on, options, {.accepted = [this](slk::stream s) {
                                                     stream_ = std::move(s);
                                                     serve();
                                                 }}));
        return {};
    }

private:
    void serve()
    {
        (void)stream_.receive(bytes_, [this](auto got) {
            if (!got || *got == 0)
                return;
            (void)stream_.send(std::span(bytes_).first(*got), [this](auto sent) {
                if (sent)
                    serve();
            });
        });
    }

    message bytes_{};
    slk::stream stream_;
    std::optional<slk::listener> listener_;
};

slk::result<bool> survives(std::uint64_t seed)
{
    SLK_TRY(auto net, slk::simulation::create({.seed = seed}));
    SLK_TRY(const auto server, net.add_host("server", {*slk::address::parse("10.0.0.1", 0)}));
    SLK_TRY(const auto client, net.add_host("client", {*slk::address::parse("10.0.0.2", 0)}));
    requester program; // outlives the loops, whose end calls handlers for the last time
    echo peer;
    SLK_TRY(auto server_loop, net.create_loop(server));
    SLK_TRY(auto client_loop, net.create_loop(client));
    SLK_TRY(peer.start(server_loop));
    SLK_TRY(program.start(client_loop));
    const auto gets_replies = [&](int more, slk::duration timeout) {
        const int enough = program.replies() + more;
        return net.run_until([&] { return program.replies() >= enough; }, timeout);
    };
    const auto notices = [&](slk::duration timeout) {
        const auto lost = [&] { return program.status().state != slk::link_state::connected; };
        return net.run_until(lost, timeout);
    };

    bool survived = gets_replies(100, 1s);
    net.partition(client, server); // requests of the program are lost
    survived = survived && notices(3s);
    net.run_for(1min);
    net.heal(client, server);
    survived = survived && gets_replies(100, 10s);

    // The next connections are reset after some of their first 64 bytes.
    net.set_faults(slk::fault_rates{.max_offset = 64}.set(slk::fault::reset, 1000));
    net.partition(client, server);
    survived = survived && notices(3s);
    net.heal(client, server);
    net.run_for(10s);
    survived = survived && net.injected(slk::fault::reset) > 0;
    net.heal();
    survived = survived && gets_replies(100, 10s);
    std::printf("seed %llu: %d replies, %llu connections, %s\n",
                static_cast<unsigned long long>(seed), program.replies(),
                static_cast<unsigned long long>(program.status().generation),
                survived ? "survived" : "FAILED; the same seed repeats it");
    return survived;
}

} // namespace

int main()
{
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const auto outcome = survives(seed);
        if (!outcome)
            std::fprintf(stderr, "%s\n", slk::to_string(outcome.error()).c_str());
        if (!outcome || !*outcome)
            return 1;
    }
    return 0;
}

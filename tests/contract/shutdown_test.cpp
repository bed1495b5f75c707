// SPDX-License-Identifier: MPL-2.0
#include "contract/harness.hpp"
#include "support/sanitized.hpp"

using namespace slk;
using namespace slk::contract;

namespace {

/// Two connections that are ended after any of their steps. Returns false if they ended before.
class script {
public:
    script(std::string_view backend, int steps) : loop_(backend)
    {
        listener_ = loop_.listen();
        target_ = loop_.address_of(listener_);
        for (; steps > 0; --steps)
            step();
    }

    ~script()
    {
        loop_.end();
        for (const auto* op : {&connecting_[0], &connecting_[1]})
            CHECK(!op->in_flight());
        CHECK(!sending_.in_flight());
        CHECK(!receiving_.in_flight());
        CHECK(!accepting_[0].in_flight());
        CHECK(!accepting_[1].in_flight());
        CHECK(!timer_.armed());
    }

private:
    void step()
    {
        switch (number_++ % 10) {
        case 0: accept(0); break;
        case 1: dial(0); break;
        case 2: accept(1); break;
        case 3: dial(1); break;
        case 4: loop_.turns(1); break;
        case 5:
            if (!receiving_.in_flight() && accepting_[0].accepted)
                loop_.receive(receiving_, accepting_[0].accepted, buffer_);
            break;
        case 6:
            if (!sending_.in_flight())
                loop_.send(sending_, client_[0], block_);
            break;
        case 7: loop_->arm(timer_, after(loop_->now(), 1ms)); break;
        case 8: loop_->cancel(connecting_[1]); break;
        case 9:
            loop_.turns(2);
            loop_->close(client_[number_ / 10 % 2]);
            break;
        }
    }

    void accept(std::size_t which)
    {
        if (!accepting_[which].in_flight())
            loop_.accept(accepting_[which], listener_);
    }

    void dial(std::size_t which)
    {
        if (connecting_[which].in_flight())
            return;
        loop_->close(client_[which]);
        client_[which] = loop_.open();
        loop_.connect(connecting_[which], client_[which], target_);
    }

    int number_ = 0;
    std::vector<std::byte> block_ = pattern(1 << 20);
    std::vector<std::byte> buffer_ = pattern(1 << 16);
    connect_op connecting_[2];
    accept_op accepting_[2];
    send_op sending_;
    receive_op receiving_;
    tracked_timer timer_;
    io::socket_id listener_;
    io::socket_id client_[2];
    address target_;
    rig loop_;
};

} // namespace

SLK_CONTRACT_TEST("C15: a poller may be ended after any step, and everything is delivered")
{
    // The steps repeat with other sockets, and each script begins anew.
    for (int steps = 0; steps < (testing::slow_build ? 60 : 200); ++steps)
        script(backend, steps);
}

SLK_CONTRACT_TEST("C15: after shutdown every submit ends as loop_closed, and nothing opens")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    std::array<std::byte, 8> buffer{};
    receive_op receiving;
    bool resubmitted = false;
    receiving.then = [&] {
        CHECK(!loop->open(address_family::ipv4).has_value());
        if (!resubmitted)
            loop.receive(receiving, link.client, buffer);
        resubmitted = true;
    };
    tracked_timer timer;
    loop.receive(receiving, link.client, buffer);
    loop->arm(timer, after(loop->now(), 1h));
    loop.end();
    CHECK(receiving.completions == 2);
    CHECK(receiving.failure == errc::loop_closed);
    CHECK(!timer.armed());
    CHECK(timer.firings == 0);
}

SLK_CONTRACT_TEST("C15: shutdown may be called from a completion whose batch has more to deliver")
{
    rig loop(backend);
    const socket_pair link = loop.connect_pair();
    std::array<std::byte, 8> buffer{};
    receive_op waiting;
    send_op first;
    send_op second;
    first.then = [&] { loop->shutdown(); };
    loop.receive(waiting, link.client, buffer);
    loop.send(first, link.client, buffer);
    loop.send(second, link.client, buffer);
    REQUIRE(loop.run_until([&] { return waiting.done() && first.done() && second.done(); }));
    CHECK(loop->outstanding() == 0);
    CHECK(waiting.failure == errc::cancelled);
    CHECK(waiting.completions + first.completions + second.completions == 3);
}

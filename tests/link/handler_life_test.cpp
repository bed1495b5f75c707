// SPDX-License-Identifier: MPL-2.0

// Objects with a loop among their members: no handler is called when what it uses is gone, in
// whichever order the members are destroyed. Best seen with the address sanitizer.

#include "link/link_rig.hpp"

#include <memory>

namespace slk::link_tests {

namespace {

constexpr std::size_t more_than_fits = std::size_t{64} * 1024 * 1024;

/// What handlers leave behind; it outlives the objects under test.
struct seen {
    int received = 0;
    int sent = 0;
    int drained = 0;
    int states = 0;
};

/// What a handler uses. A use after its end shows in the sanitizer, or as a wrong value.
class state {
public:
    explicit state(seen& in) : in_(&in), numbers_(1000, 1) {}
    ~state() { numbers_.front() = 0; }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    void add(int seen::* count)
    {
        CHECK(numbers_.front() == 1);
        ++(in_->*count);
    }

private:
    seen* in_;
    std::vector<int> numbers_;
};

/// Runs until there is a connection, and begins a receive and a send that does not end.
struct transfers {
    void begin(loop& on, state& uses)
    {
        served.emplace(on);
        link_handlers handlers;
        handlers.connected = [this](stream next) { outgoing = std::move(next); };
        handlers.state_changed = [&uses](const link_transition&, const link_status&) {
            uses.add(&seen::states);
        };
        client.emplace(make_link(on, at(served->where()), quick(), std::move(handlers)));
        client->start();
        await(on, outgoing, 1);
        REQUIRE(outgoing.receive(buffer, [&uses](auto) { uses.add(&seen::received); }));
        REQUIRE(outgoing.send(bytes, [&uses](auto) { uses.add(&seen::sent); }));

        link_handlers silent;
        silent.connected = [this](stream next) { never_finished = std::move(next); };
        second_client.emplace(make_link(on, at(served->where()), quick(), std::move(silent)));
        second_client->start();
        await(on, never_finished, 2);
        REQUIRE(served->streams.back().close_after_drain(
            1h, [&uses](auto) { uses.add(&seen::drained); }));
        REQUIRE(on.run_for(0s));
    }

    void await(slk::loop& on, const stream& far, std::size_t accepted) const
    {
        const auto there = [&] { return far && served->streams.size() == accepted; };
        REQUIRE(on.run_until(there, 10s).value_or(false));
    }

    std::array<std::byte, 16> buffer{};
    std::vector<std::byte> bytes = std::vector<std::byte>(more_than_fits);
    std::optional<server> served;
    stream outgoing;
    stream never_finished;
    std::optional<link> client;
    std::optional<link> second_client;
};

/// The loop is destroyed last.
struct loop_first {
    explicit loop_first(seen& in) : uses(in) { work.begin(on, uses); }

    loop on = new_loop();
    state uses;
    transfers work;
};

/// The loop is destroyed first.
struct loop_last {
    explicit loop_last(seen& in) : uses(in) { work.begin(on, uses); }

    state uses;
    transfers work;
    loop on = new_loop();
};

} // namespace

TEST_CASE("a loop that is destroyed after its streams calls none of their handlers")
{
    seen before;
    seen after;
    {
        auto object = std::make_unique<loop_first>(after);
        before = after;
        CHECK(object->on.post([&uses = object->uses] { uses.add(&seen::states); }));
    }
    CHECK(after.received == before.received);
    CHECK(after.sent == before.sent);
    CHECK(after.drained == before.drained);
    CHECK(after.states == before.states);
}

TEST_CASE("a loop that is destroyed before its streams calls their handlers, but no posted work")
{
    seen after;
    int states = 0;
    bool posted = false;
    {
        auto object = std::make_unique<loop_last>(after);
        CHECK(after.received == 0);
        CHECK(after.sent == 0);
        CHECK(after.drained == 0);
        states = after.states;
        CHECK(object->on.post([&posted] { posted = true; }));
    }
    CHECK(after.received == 1);
    CHECK(after.sent == 1);
    CHECK(after.drained == 1);
    CHECK(after.states > states); // the link is idle
    CHECK_FALSE(posted);
}

TEST_CASE("the handlers of a stream that was closed or destroyed are called while the loop runs")
{
    for (const bool destroyed : {true, false}) {
        CAPTURE(destroyed);
        rig on;
        seen count;
        state uses(count);
        transfers work;
        work.begin(*on, uses);
        if (destroyed) {
            work.outgoing = {};
            work.served->streams.clear();
        } else {
            work.outgoing.close();
            work.served->streams.back().close();
        }
        CHECK(count.received == 0);
        CHECK(on.until([&] { return count.received + count.sent + count.drained == 3; }));
    }
}

TEST_CASE("a loop that is destroyed calls no handler of a stream that was closed before")
{
    seen before;
    seen after;
    {
        auto object = std::make_unique<loop_first>(after);
        before = after;
        object->work.outgoing.close();
        object->work.served->streams.back().reset();
    }
    CHECK(after.received == before.received);
    CHECK(after.sent == before.sent);
    CHECK(after.drained == before.drained);
}

TEST_CASE("a handler that owns its stream is destroyed with it when the loop ends")
{
    struct session {
        std::array<std::byte, 16> buffer{};
        stream bytes;
    };
    rig on;
    std::weak_ptr<session> last;
    int called = 0;
    const server served(*on, 0, [&](stream next) {
        const auto made = std::make_shared<session>();
        last = made;
        made->bytes = std::move(next);
        CHECK(made->bytes.receive(made->buffer, [made, &called](auto) { ++called; }));
    });
    auto client = make_link(*on, at(served.where()), quick());
    client.start();
    REQUIRE(on.until([&] { return !last.expired(); }));
    on.end();
    CHECK(called == 1);
    CHECK(last.expired());
}

} // namespace slk::link_tests

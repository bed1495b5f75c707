// SPDX-License-Identifier: MPL-2.0

// An exception that leaves a function of the user ends the process, and stderr names the function.

#include "link/link_rig.hpp"

#include <serverlink/message.hpp>
#include <serverlink/simulation.hpp>

#include "support/forked.hpp"

#include <stdexcept>

namespace slk::link_tests {

using slk::testing::end_of_a_child;

namespace {

[[noreturn]] void throw_something()
{
    throw std::runtime_error("the reason");
}

/// The child ends by itself, and its line on stderr has the name and the exception's text.
template <class Body>
void check_that_it_names(const std::string& name, Body&& body)
{
    const auto child = end_of_a_child([&] {
        try {
            body();
        } catch (...) {
            // It left the library: as if nothing had happened.
        }
    });
    CAPTURE(name);
    CAPTURE(child.errors);
    CHECK(child.aborted);
    CHECK(child.errors.find("serverlink: " + name + " threw an exception: the reason") !=
          std::string::npos);
}

/// Runs a loop with a listener and a link; the handlers are the caller's.
struct both_sides {
    void run(link_handlers of_link, listener_handlers of_listener = {})
    {
        auto server = listener::create(on, {.at = at(address::loopback(address_family::ipv4, 0))},
                                       std::move(of_listener));
        auto client = link::create(on, {.to = at(server->local_address())}, std::move(of_link));
        client->start();
        (void)on.run_for(10s);
    }

    loop on = new_loop();
    std::vector<stream> accepted;
    std::array<std::byte, 4> buffer{};
};

} // namespace

TEST_CASE("an exception from the work or the condition of a loop ends the process by name")
{
    check_that_it_names("the work of loop::post()", [] {
        loop on = new_loop();
        on.post(throw_something);
        (void)on.run_for(10s);
    });
    check_that_it_names("the work of loop::post()", [] {
        loop on = new_loop();
        on.post(throw_something);
        (void)on.start_thread();
        ::sleep(10);
    });
    check_that_it_names("the condition of loop::run_until()", [] {
        loop on = new_loop();
        (void)on.run_until([]() -> bool { throw_something(); }, 10s);
    });
}

TEST_CASE("an exception from the function of a timer or a watch ends the process by name")
{
    check_that_it_names("the function of a watch", [] {
        int ends[2];
        if (::pipe(ends) != 0 || ::write(ends[1], "x", 1) != 1)
            return;
        loop on = new_loop();
        const auto watch =
            on.watch(ends[0], watch_for::readable, [](descriptor_state) { throw_something(); });
        (void)on.run_for(10s);
    });
    check_that_it_names("the function of a timer", [] {
        loop on = new_loop();
        const auto pending = on.call_after(1ms, throw_something);
        (void)on.run_for(10s);
    });
}

TEST_CASE("an exception from a handler of a link ends the process by name")
{
    check_that_it_names("link_handlers::state_changed", [] {
        both_sides().run({.state_changed = [](auto&, auto&) { throw_something(); }});
    });
    check_that_it_names("link_handlers::connected",
                        [] { both_sides().run({.connected = [](stream) { throw_something(); }}); });
}

TEST_CASE("an exception from a handler of a listener ends the process by name")
{
    check_that_it_names("listener_handlers::accepted", [] {
        both_sides().run({}, {.accepted = [](stream) { throw_something(); }});
    });
}

TEST_CASE("an exception from a handler of a stream ends the process by name")
{
    check_that_it_names("the handler of stream::receive()", [] {
        both_sides sides;
        sides.run({}, {.accepted = [&](stream next) {
                      sides.accepted.push_back(std::move(next));
                      stream& bytes = sides.accepted.back();
                      (void)bytes.receive(sides.buffer, [](auto) { throw_something(); });
                      sides.on.post([&] { bytes.close(); });
                  }});
    });
    check_that_it_names("the handler of stream::send()", [] {
        both_sides sides;
        sides.run({}, {.accepted = [&](stream next) {
                      sides.accepted.push_back(std::move(next));
                      (void)sides.accepted.back().send(sides.buffer,
                                                       [](auto) { throw_something(); });
                  }});
    });
    check_that_it_names("the handler of stream::close_after_drain()", [] {
        both_sides sides;
        sides.run({}, {.accepted = [&](stream next) {
                      sides.accepted.push_back(std::move(next));
                      (void)sides.accepted.back().close_after_drain(
                          1ms, [](auto) { throw_something(); });
                  }});
    });
}

TEST_CASE("an exception from a name lookup ends the process by name")
{
    check_that_it_names("loop_options::lookup", [] {
        loop on = std::move(*loop::create(
            {.backend = wanted_backend(),
             .lookup = [](auto&, auto) -> result<std::vector<address>> { throw_something(); }}));
        auto client = link::create(on, {.to = *endpoint::parse("tcp://somewhere:1")});
        client->start();
        (void)on.run_for(10s);
    });
}

TEST_CASE("an exception from a function of a simulation ends the process by name")
{
    check_that_it_names("the work of simulation::at()", [] {
        auto net = simulation::create();
        net->at(net->now(), throw_something);
        net->run_for(1s);
    });
    check_that_it_names("the condition of simulation::run_until()", [] {
        auto net = simulation::create();
        (void)net->run_until([]() -> bool { throw_something(); }, 1s);
    });
    check_that_it_names("simulation_options::log", [] {
        auto net = simulation::create({.log = [](auto) { throw_something(); }});
        net->at(net->now(), [] {});
        net->run_for(1s);
    });
}

TEST_CASE("an exception from the release of a message's memory ends the process by name")
{
    check_that_it_names("the release function of message::adopt()", [] {
        static const std::array<std::byte, 1000> bytes{};
        (void)message::adopt(bytes, [](auto, void*) { throw_something(); });
    });
}

} // namespace slk::link_tests

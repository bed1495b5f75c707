// SPDX-License-Identifier: MPL-2.0

// A socket that waits to send because max_memory of its context is used up.

#include "messaging/socket/socket_state.hpp"
#include "pattern/make_pattern.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>

using namespace slk;
using messaging::context_core;
using messaging::inbox;
using messaging::socket_state;

namespace {

/// Is called before the socket that waits.
struct earlier_user : memory_user {
    earlier_user() { claim.set_user(*this); }

    void on_memory() noexcept override { then(); }
    void end_for_memory() noexcept override {}
    void retain_user() noexcept override {}
    void release_user() noexcept override {}

    memory_claim claim;
    std::function<void()> then;
};

} // namespace

TEST_CASE("peers that waited for memory are asked again when another one finds some first")
{
    auto core = context_core::create({.threads = 0, .max_memory = 1000});
    REQUIRE(core);
    const auto reports = reference<inbox>::adopt(new inbox);
    socket_state state(*core, zmtp::socket_type::push, reports,
                       pattern::make_pattern(zmtp::socket_type::push, 1));
    memory_budget& budget = *(*core)->budget();
    earlier_user earlier;
    (void)budget.add(1000);
    REQUIRE(budget.must_wait(earlier.claim));
    // For one peer.
    REQUIRE(state.must_wait_for_memory());
    CHECK_FALSE(reports->has_reports());
    // For another one, while the call is on its way.
    bool must_wait = true;
    earlier.then = [&] { must_wait = state.must_wait_for_memory(); };
    budget.remove(500);
    CHECK_FALSE(must_wait);
    CHECK(reports->has_reports());
    budget.remove(500);
}

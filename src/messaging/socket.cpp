// SPDX-License-Identifier: MPL-2.0

// The handles.

#include <serverlink/dealer.hpp>
#include <serverlink/pair.hpp>
#include <serverlink/pull.hpp>
#include <serverlink/push.hpp>
#include <serverlink/router.hpp>

#include "messaging/socket_core.hpp"

#include <utility>

namespace slk {

using message_detail::access;
using messaging::part_view;
using messaging::socket_core;

namespace {

part_view view_of(const message& part) noexcept
{
    return {part.bytes(), access::owner_of(part)};
}

std::vector<part_view> views_of(const multipart& whole)
{
    std::vector<part_view> views;
    views.reserve(whole.size());
    for (const message& part : whole)
        views.push_back(view_of(part));
    return views;
}

result<socket_core*> make(context& in, zmtp::socket_type type, const socket_options& options)
{
    if (in.core() == nullptr)
        return fail(errc::invalid_state, phase::setup, "the context is empty");
    return socket_core::create(in.core(), type, options);
}

constexpr error moved_from{errc::invalid_state, phase::none, 0, "the socket was moved elsewhere"};

} // namespace

std::string_view name_of(send_outcome value) noexcept
{
    switch (value) {
    case send_outcome::queued: return "queued";
    case send_outcome::dropped_no_route: return "dropped_no_route";
    case send_outcome::dropped_full: return "dropped_full";
    }
    return "unknown";
}

std::uint64_t close_report::unsent() const noexcept
{
    std::uint64_t sum = 0;
    for (const peer& each : peers)
        sum += each.unsent;
    return sum;
}

socket::socket(socket&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}

socket& socket::operator=(socket&& other) noexcept
{
    if (this != &other) {
        socket(std::exchange(core_, std::exchange(other.core_, nullptr)));
    }
    return *this;
}

socket::~socket()
{
    if (core_ == nullptr)
        return;
    core_->close(core_->options().linger);
    core_->release();
}

result<std::string> socket::bind(std::string_view endpoint)
{
    return core_ != nullptr ? core_->bind(endpoint) : fail(moved_from);
}

result<void> socket::connect(std::string_view endpoint, const connect_options& how)
{
    return core_ != nullptr ? core_->connect(endpoint, how) : fail(moved_from);
}

result<close_report> socket::unbind(std::string_view endpoint, duration timeout)
{
    return core_ != nullptr ? core_->withdraw(endpoint_kind::bound, endpoint, timeout)
                            : fail(moved_from);
}

result<close_report> socket::disconnect(std::string_view endpoint, duration timeout)
{
    return core_ != nullptr ? core_->withdraw(endpoint_kind::connected, endpoint, timeout)
                            : fail(moved_from);
}

std::string socket::last_endpoint() const
{
    return core_ != nullptr ? core_->last_endpoint() : std::string();
}

std::vector<endpoint_status> socket::endpoints() const
{
    return core_ != nullptr ? core_->endpoints() : std::vector<endpoint_status>();
}

std::vector<peer_status> socket::peers() const
{
    return core_ != nullptr ? core_->peers() : std::vector<peer_status>();
}

socket_counters socket::counters() const
{
    return core_ != nullptr ? core_->counters() : socket_counters{};
}

result<void> socket::wait_ready(const timeout& limit)
{
    return core_ != nullptr ? core_->wait_ready(limit) : fail(moved_from);
}

socket_events socket::events()
{
    return core_ != nullptr ? core_->events() : socket_events{};
}

result<std::intptr_t> socket::event_handle()
{
    return core_ != nullptr ? core_->event_handle() : fail(moved_from);
}

duration socket::poll_timeout() const
{
    return core_ != nullptr ? core_->poll_timeout() : duration::max();
}

result<void> socket::set_send_high_water_mark(std::uint32_t messages)
{
    return core_ != nullptr ? core_->set_marks({.send = messages}) : fail(moved_from);
}

result<void> socket::set_receive_high_water_mark(std::uint32_t messages)
{
    return core_ != nullptr ? core_->set_marks({.receive = messages}) : fail(moved_from);
}

result<void> socket::set_send_high_water_bytes(std::uint64_t bytes)
{
    return core_ != nullptr ? core_->set_marks({.send_bytes = bytes}) : fail(moved_from);
}

result<void> socket::set_receive_high_water_bytes(std::uint64_t bytes)
{
    return core_ != nullptr ? core_->set_marks({.receive_bytes = bytes}) : fail(moved_from);
}

close_report socket::close(duration timeout)
{
    return core_ != nullptr ? core_->close(timeout) : close_report{};
}

// --- messages ---

result<send_outcome> socket::send(message&& whole, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    const part_view part = view_of(whole);
    auto answer = core_->send({&part, 1}, limit);
    if (answer)
        whole.clear();
    return answer;
}

result<send_outcome> socket::send(std::span<const std::byte> whole, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    const part_view part{whole, nullptr};
    return core_->send({&part, 1}, limit);
}

result<send_outcome> socket::send(multipart&& whole, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    auto answer = core_->send(views_of(whole), limit);
    if (answer)
        whole.clear();
    return answer;
}

result<std::size_t> socket::send_batch(std::span<message> messages, const timeout& limit)
{
    return core_ != nullptr ? core_->send_batch(messages, limit) : fail(moved_from);
}

result<void> socket::receive(message& into, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    SLK_TRY(core_->receive(into, limit));
    return {};
}

namespace {

/// The rest of a message whose first part was received: it is there.
result<void> receive_rest(socket_core& from, message&& first, multipart& into)
{
    into.clear();
    bool more = first.more();
    into.add(std::move(first));
    while (more) {
        message part;
        SLK_TRY(from.receive(part, no_wait));
        more = part.more();
        into.add(std::move(part));
    }
    return {};
}

} // namespace

result<void> socket::receive(multipart& into, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    message first;
    SLK_TRY(core_->receive(first, limit));
    return receive_rest(*core_, std::move(first), into);
}

result<std::size_t> socket::receive_batch(std::span<message> into, const timeout& limit)
{
    return core_ != nullptr ? core_->receive_batch(into, limit) : fail(moved_from);
}

// --- the types ---

result<push> push::create(context& in, push_options options)
{
    SLK_TRY(socket_core* const core, make(in, zmtp::socket_type::push, options));
    return push(core);
}

result<pull> pull::create(context& in, pull_options options)
{
    SLK_TRY(socket_core* const core, make(in, zmtp::socket_type::pull, options));
    return pull(core);
}

result<pair> pair::create(context& in, pair_options options)
{
    SLK_TRY(socket_core* const core, make(in, zmtp::socket_type::pair, options));
    return pair(core);
}

result<dealer> dealer::create(context& in, dealer_options options)
{
    SLK_TRY(socket_core* const core, make(in, zmtp::socket_type::dealer, options));
    core->probe = options.probe_router;
    return dealer(core);
}

// --- ROUTER ---

result<router> router::create(context& in, router_options options)
{
    SLK_TRY(socket_core* const core, make(in, zmtp::socket_type::router, options));
    core->probe = options.probe_router;
    router made(core);
    made.set_mandatory(options.mandatory);
    made.set_handover(options.handover);
    made.set_notify(options.notify_connect, options.notify_disconnect);
    return made;
}

result<send_outcome> router::send(const peer_id& to, message&& whole, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    const part_view part = view_of(whole);
    auto answer = core_->send({&part, 1}, limit, &to);
    if (answer)
        whole.clear();
    return answer;
}

result<send_outcome> router::send(const peer_id& to, std::span<const std::byte> whole,
                                  const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    const part_view part{whole, nullptr};
    return core_->send({&part, 1}, limit, &to);
}

result<send_outcome> router::send(const peer_id& to, multipart&& whole, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    auto answer = core_->send(views_of(whole), limit, &to);
    if (answer)
        whole.clear();
    return answer;
}

result<router_event> router::receive(peer_id& from, message& into, const timeout& limit)
{
    return core_ != nullptr ? core_->receive(into, limit, &from) : fail(moved_from);
}

result<router_event> router::receive(peer_id& from, multipart& into, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    message first;
    SLK_TRY(const router_event what, core_->receive(first, limit, &from));
    SLK_TRY(receive_rest(*core_, std::move(first), into));
    return what;
}

result<void> router::disconnect_peer(const peer_id& whom, const char* reason)
{
    return core_ != nullptr ? core_->disconnect_peer(whom, reason) : fail(moved_from);
}

result<bool> router::has_room(const peer_id& to)
{
    return core_ != nullptr ? core_->has_room(to) : fail(moved_from);
}

void router::set_mandatory(bool on)
{
    if (core_ != nullptr)
        core_->mandatory = on;
}

void router::set_handover(bool on)
{
    if (core_ != nullptr)
        core_->set_handover(on);
}

void router::set_notify(bool connect, bool disconnect)
{
    if (core_ != nullptr) {
        core_->notify_connect = connect;
        core_->notify_disconnect = disconnect;
    }
}

} // namespace slk

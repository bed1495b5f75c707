// SPDX-License-Identifier: MPL-2.0

// The public classes: each call goes to the socket_core.

#include <serverlink/dealer.hpp>
#include <serverlink/pair.hpp>
#include <serverlink/pub.hpp>
#include <serverlink/pull.hpp>
#include <serverlink/push.hpp>
#include <serverlink/rep.hpp>
#include <serverlink/req.hpp>
#include <serverlink/router.hpp>
#include <serverlink/stream_socket.hpp>
#include <serverlink/sub.hpp>
#include <serverlink/xpub.hpp>
#include <serverlink/xsub.hpp>

#include "base/fail_again.hpp"
#include "base/try_allocate.hpp"
#include "messaging/socket/socket_core.hpp"
#include "messaging/socket/socket_watch_call.hpp"
#include "pattern/rep.hpp"
#include "pattern/router.hpp"
#include "pattern/stream.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace slk {

using message_detail::access;
using messaging::socket_core;
using pattern::part_view;

namespace {

part_view view_of(const message& part) noexcept
{
    return {part.bytes(), access::owner_of(part)};
}

/// The parts of a message; most have few.
class part_views {
public:
    /// Errors: out_of_memory.
    [[nodiscard]] result<std::span<const part_view>> of(const multipart& whole) noexcept
    {
        std::span<part_view> views(few_);
        if (whole.size() > views.size()) {
            if (!try_resize(many_, whole.size()))
                return fail(errc::out_of_memory, phase::transfer);
            views = many_;
        }
        std::ranges::transform(whole, views.begin(), view_of);
        return views.first(whole.size());
    }

private:
    part_view few_[8];
    std::vector<part_view> many_;
};

/// As message_detail::access has it.
std::uint32_t lifetime_of(const multipart& whole) noexcept
{
    return whole.empty() ? 0 : access::lifetime_of(whole[0]);
}

result<socket_core*> make(context& in, zmtp::socket_type type, const socket_options& options)
{
    if (in.core() == nullptr)
        return fail(errc::invalid_state, phase::setup, "the context is empty");
    return socket_core::create(in.core(), type, options);
}

constexpr error moved_from{errc::invalid_state, phase::none, 0, "the socket was moved from"};

/// The pattern of a ROUTER's core, or of a STREAM's.
pattern::router& router_of(socket_core& core) noexcept
{
    return static_cast<pattern::router&>(core.routes());
}

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

std::uint64_t close_report::unconfirmed() const noexcept
{
    std::uint64_t sum = 0;
    for (const peer& each : peers)
        sum += each.unconfirmed;
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

result<void> socket::disconnect_in_background(std::string_view endpoint, duration linger)
{
    return core_ != nullptr
               ? core_->withdraw_in_background(endpoint_kind::connected, endpoint, linger)
               : fail(moved_from);
}

result<void> socket::unbind_in_background(std::string_view endpoint, duration linger)
{
    return core_ != nullptr ? core_->withdraw_in_background(endpoint_kind::bound, endpoint, linger)
                            : fail(moved_from);
}

result<void> socket::stop_listening(std::string_view endpoint)
{
    return core_ != nullptr ? core_->stop_listening(endpoint) : fail(moved_from);
}

std::string socket::last_endpoint() const
{
    return core_ != nullptr ? joined({core_->last_endpoint()}) : std::string();
}

std::uint64_t socket::number() const noexcept
{
    return core_ != nullptr ? core_->reports().events().number() : 0;
}

std::vector<endpoint_status> socket::endpoints()
{
    return core_ != nullptr ? core_->endpoints() : std::vector<endpoint_status>();
}

std::vector<peer_status> socket::peers()
{
    return core_ != nullptr ? core_->peers() : std::vector<peer_status>();
}

socket_counters socket::counters() const noexcept
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

result<socket_watch> socket::watch(loop& on, watch_for wanted,
                                   std::function<void(socket_events)> work)
{
    if (core_ == nullptr)
        return fail(moved_from);
    if (on.core() == nullptr)
        return fail(errc::loop_closed, phase::none);
    SLK_TRY(auto* const made,
            messaging::socket_watch_call::start(*core_, on.core(), wanted, std::move(work)));
    return socket_watch(made);
}

result<void> socket::on_news(std::function<void()> call)
{
    return core_ != nullptr ? core_->on_news(std::move(call)) : fail(moved_from);
}

const socket_options& socket::options() const noexcept
{
    static const socket_options none{};
    return core_ != nullptr ? core_->options() : none;
}

result<void> socket::set_options(const socket_options& options)
{
    return core_ != nullptr ? core_->set_options(options) : fail(moved_from);
}

namespace {

template <class Value>
result<void> set_option(socket& of, Value socket_options::* which, Value value)
{
    socket_options changed;
    if (!messaging::try_copy(changed, of.options()))
        return fail(errc::out_of_memory, phase::transfer);
    changed.*which = value;
    return of.set_options(changed);
}

} // namespace

result<void> socket::set_send_high_water_mark(std::uint32_t messages)
{
    return set_option(*this, &socket_options::send_high_water_mark, messages);
}

result<void> socket::set_receive_high_water_mark(std::uint32_t messages)
{
    return set_option(*this, &socket_options::receive_high_water_mark, messages);
}

result<void> socket::set_send_high_water_bytes(std::uint64_t bytes)
{
    return set_option(*this, &socket_options::send_high_water_bytes, bytes);
}

result<void> socket::set_receive_high_water_bytes(std::uint64_t bytes)
{
    return set_option(*this, &socket_options::receive_high_water_bytes, bytes);
}

close_report socket::close(duration timeout)
{
    return core_ != nullptr ? core_->close(timeout) : close_report{};
}

void socket::close_in_background(duration linger) noexcept
{
    if (core_ != nullptr)
        core_->close_in_background(linger);
}

// --- messages ---

result<send_outcome> socket::send(message&& whole, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    const part_view part = view_of(whole);
    auto answer = core_->send({&part, 1}, limit, nullptr, access::lifetime_of(whole));
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
    part_views parts;
    SLK_TRY(const auto views, parts.of(whole));
    auto answer = core_->send(views, limit, nullptr, lifetime_of(whole));
    if (answer)
        whole.clear();
    return answer;
}

result<std::size_t> socket::send_batch(std::span<message> messages, const timeout& limit)
{
    return core_ != nullptr ? core_->send_batch(messages, limit) : fail(moved_from);
}

result<std::size_t> socket::send_batch(std::span<const std::span<const std::byte>> messages,
                                       const timeout& limit)
{
    return core_ != nullptr ? core_->send_batch(messages, limit) : fail(moved_from);
}

result<void> socket::receive(message& into, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    const auto received = core_->receive(into, limit);
    if (!received) [[unlikely]]
        return fail_again(received.error());
    return {};
}

namespace {

constexpr std::size_t usual_parts = 4;

/// Receives the other parts of a message whose first part was received. All of them are there. A
/// message that there is no memory for is lost.
result<void> receive_rest(socket_core& from, message&& first, multipart& into)
{
    bool fits = true;
    message part = std::move(first);
    for (;;) {
        const bool more = part.more();
        fits = fits && access::try_add(into, std::move(part));
        if (!more)
            break;
        part.clear();
        SLK_TRY(from.receive(part, no_wait));
    }
    if (fits)
        return {};
    into.clear();
    return fail(errc::out_of_memory, phase::transfer);
}

} // namespace

result<void> socket::receive(multipart& into, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    into.clear();
    SLK_TRY(into.reserve(usual_parts));
    message first;
    SLK_TRY(core_->receive(first, limit));
    return receive_rest(*core_, std::move(first), into);
}

result<std::size_t> socket::receive_batch(std::span<message> into, const timeout& limit)
{
    return core_ != nullptr ? core_->receive_batch(into, limit) : fail(moved_from);
}

result<std::size_t> socket::receive_batch(received_batch& into, std::size_t max,
                                          const timeout& limit)
{
    return core_ != nullptr ? core_->receive_batch(into, max, limit) : fail(moved_from);
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
    return dealer(core);
}

// --- PUB and SUB ---

result<pub> pub::create(context& in, pub_options options)
{
    SLK_TRY(socket_core* const core, make(in, zmtp::socket_type::pub, options));
    return pub(core);
}

result<void> pub::wait_subscribers(std::span<const std::byte> topic, std::size_t count,
                                   const timeout& limit)
{
    return core_ != nullptr ? core_->wait_subscribers(topic, count, limit) : fail(moved_from);
}

std::size_t pub::topics_count()
{
    return core_ != nullptr ? core_->topics_count() : 0;
}

std::size_t sub::topics_count() const
{
    return core_ != nullptr ? core_->topics_count() : 0;
}

namespace {

constexpr error pattern_too_long{errc::invalid_argument, phase::setup, 0,
                                 "the pattern is too long"};
static_assert(sub::max_pattern_size == pattern::glob::max_size);

} // namespace

result<sub> sub::create(context& in, sub_options options)
{
    SLK_TRY(socket_core* const core, make(in, zmtp::socket_type::sub, options));
    return sub(core);
}

result<void> sub::subscribe(std::span<const std::byte> topic)
{
    if (core_ == nullptr)
        return fail(moved_from);
    if (topic.size() > max_topic_size)
        return fail(errc::invalid_argument, phase::setup, "the topic is too long");
    return core_->subscribe(topic);
}

result<void> sub::unsubscribe(std::span<const std::byte> topic)
{
    return core_ != nullptr ? core_->unsubscribe(topic) : fail(moved_from);
}

result<void> sub::psubscribe(std::span<const std::byte> pattern)
{
    return core_ == nullptr                    ? fail(moved_from)
           : pattern.size() > max_pattern_size ? fail(pattern_too_long)
                                               : core_->psubscribe(pattern);
}

result<void> sub::punsubscribe(std::span<const std::byte> pattern)
{
    if (core_ == nullptr)
        return fail(moved_from);
    return pattern.size() <= max_pattern_size ? core_->punsubscribe(pattern) : result<void>{};
}

// --- XPUB and XSUB ---

result<xpub> xpub::create(context& in, xpub_options options)
{
    SLK_TRY(socket_core* const core, make(in, zmtp::socket_type::xpub, options));
    return xpub(core);
}

result<void> xpub::wait_subscribers(std::span<const std::byte> topic, std::size_t count,
                                    const timeout& limit)
{
    return core_ != nullptr ? core_->wait_subscribers(topic, count, limit) : fail(moved_from);
}

result<void> xpub::subscribe(std::span<const std::byte> topic)
{
    return core_ != nullptr ? core_->subscribe_for_peer(true, topic) : fail(moved_from);
}

result<void> xpub::unsubscribe(std::span<const std::byte> topic)
{
    return core_ != nullptr ? core_->subscribe_for_peer(false, topic) : fail(moved_from);
}

std::size_t xpub::topics_count()
{
    return core_ != nullptr ? core_->topics_count() : 0;
}

std::size_t xsub::topics_count() const
{
    return core_ != nullptr ? core_->topics_count() : 0;
}

result<void> xsub::psubscribe(std::span<const std::byte> pattern)
{
    return core_ == nullptr                         ? fail(moved_from)
           : pattern.size() > sub::max_pattern_size ? fail(pattern_too_long)
                                                    : core_->psubscribe(pattern);
}

result<void> xsub::punsubscribe(std::span<const std::byte> pattern)
{
    if (core_ == nullptr)
        return fail(moved_from);
    return pattern.size() <= sub::max_pattern_size ? core_->punsubscribe(pattern) : result<void>{};
}

result<xsub> xsub::create(context& in, xsub_options options)
{
    SLK_TRY(socket_core* const core, make(in, zmtp::socket_type::xsub, options));
    return xsub(core);
}

result<send_outcome> xsub::send(message&& whole)
{
    if (core_ == nullptr)
        return fail(moved_from);
    const part_view part = view_of(whole);
    auto answer = core_->send_upstream({&part, 1});
    if (answer)
        whole.clear();
    return answer;
}

result<send_outcome> xsub::send(std::span<const std::byte> whole)
{
    if (core_ == nullptr)
        return fail(moved_from);
    const part_view part{whole, nullptr};
    return core_->send_upstream({&part, 1});
}

result<send_outcome> xsub::send(multipart&& whole)
{
    if (core_ == nullptr)
        return fail(moved_from);
    part_views parts;
    SLK_TRY(const auto views, parts.of(whole));
    auto answer = core_->send_upstream(views);
    if (answer)
        whole.clear();
    return answer;
}

// --- REQ and REP ---

result<req> req::create(context& in, req_options options)
{
    SLK_TRY(socket_core* const core, make(in, zmtp::socket_type::req, options));
    return req(core);
}

result<rep> rep::create(context& in, rep_options options)
{
    SLK_TRY(socket_core* const core, make(in, zmtp::socket_type::rep, options));
    return rep(core);
}

result<void> rep::receive(multipart& into, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    auto& routes = static_cast<pattern::rep&>(core_->routes());
    const bool was_due = routes.reply_is_due();
    const auto received = socket::receive(into, limit);
    // All parts were read, and there was no memory for the list of them.
    if (!received && !was_due && routes.reply_is_due())
        routes.forget_request();
    return received;
}

// --- ROUTER ---

result<router> router::create(context& in, router_options options)
{
    SLK_TRY(socket_core* const core, make(in, zmtp::socket_type::router, options));
    return router(core);
}

result<send_outcome> router::send(const peer_id& to, message&& whole, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    const part_view part = view_of(whole);
    auto answer = core_->send({&part, 1}, limit, &to, access::lifetime_of(whole));
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
    part_views parts;
    SLK_TRY(const auto views, parts.of(whole));
    auto answer = core_->send(views, limit, &to, lifetime_of(whole));
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
    into.clear();
    SLK_TRY(into.reserve(usual_parts));
    message first;
    SLK_TRY(const router_event kind, core_->receive(first, limit, &from));
    SLK_TRY(receive_rest(*core_, std::move(first), into));
    return kind;
}

result<void> router::disconnect_peer(const peer_id& id, const char* reason)
{
    if (core_ == nullptr)
        return fail(moved_from);
    SLK_TRY(core_->usable());
    core_->process_reports();
    return core_->disconnect_peer(router_of(*core_).find(id), reason);
}

result<bool> router::has_room(const peer_id& id)
{
    if (core_ == nullptr)
        return fail(moved_from);
    SLK_TRY(core_->usable());
    core_->process_reports();
    return core_->has_room(router_of(*core_).find(id));
}

result<void> router::set_mandatory(bool on)
{
    socket_options changed = options();
    changed.mandatory = on;
    return set_options(changed);
}

result<void> router::set_handover(bool on)
{
    socket_options changed = options();
    changed.handover = on;
    return set_options(changed);
}

result<void> router::set_notify(bool connect, bool disconnect)
{
    socket_options changed = options();
    changed.notify_connect = connect;
    changed.notify_disconnect = disconnect;
    return set_options(changed);
}

// --- STREAM ---

result<stream_socket> stream_socket::create(context& in, stream_options options)
{
    SLK_TRY(socket_core* const core, make(in, zmtp::socket_type::stream, options));
    return stream_socket(core);
}

result<send_outcome> stream_socket::send(const peer_id& to, message&& bytes, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    if (bytes.size() == 0) {
        SLK_TRY(close_peer(to));
        return send_outcome::queued;
    }
    core_->remove_ended_endpoints();
    const part_view part = view_of(bytes);
    auto answer = core_->send({&part, 1}, limit, &to);
    if (answer)
        bytes.clear();
    return answer;
}

result<send_outcome> stream_socket::send(const peer_id& to, std::span<const std::byte> bytes,
                                         const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    if (bytes.empty()) {
        SLK_TRY(close_peer(to));
        return send_outcome::queued;
    }
    core_->remove_ended_endpoints();
    const part_view part{bytes, nullptr};
    return core_->send({&part, 1}, limit, &to);
}

result<router_event> stream_socket::receive(peer_id& from, message& into, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from);
    core_->remove_ended_endpoints();
    SLK_TRY(core_->receive(into, limit, &from));
    if (into.size() > 0)
        return router_event::message;
    auto& routes = static_cast<pattern::stream&>(core_->routes());
    if (routes.first())
        return router_event::connected;
    routes.ended(from);
    return router_event::disconnected;
}

result<peer_id> stream_socket::peer_at(std::string_view endpoint)
{
    return core_ != nullptr ? core_->peer_at(endpoint) : fail(moved_from);
}

result<void> stream_socket::close_peer(const peer_id& id)
{
    if (core_ == nullptr)
        return fail(moved_from);
    SLK_TRY(core_->usable());
    core_->process_reports();
    core_->remove_ended_endpoints();
    return core_->finish_peer(router_of(*core_).find(id));
}

result<bool> stream_socket::has_room(const peer_id& id)
{
    if (core_ == nullptr)
        return fail(moved_from);
    SLK_TRY(core_->usable());
    core_->process_reports();
    return core_->has_room(router_of(*core_).find(id));
}

} // namespace slk

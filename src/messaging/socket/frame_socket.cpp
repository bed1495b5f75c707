// SPDX-License-Identifier: MPL-2.0
#include <serverlink/frame_socket.hpp>
#include <serverlink/sub.hpp>

#include "base/fail_again.hpp"
#include "base/part_sink.hpp"
#include "base/try_allocate.hpp"
#include "messaging/socket/socket_core.hpp"
#include "pattern/stream.hpp"

#include <utility>

namespace slk {

using message_detail::access;
using messaging::socket_core;
using pattern::part_view;

namespace {

constexpr error moved_from_frames{errc::invalid_state, phase::none, 0, "the socket was moved from"};

unexpected not_for_this_type(const char* what)
{
    return fail(errc::not_supported, phase::transfer, what);
}

} // namespace

result<frame_socket> frame_socket::create(context& in, socket_type type,
                                          const socket_options& options)
{
    if (in.core() == nullptr)
        return fail(errc::invalid_state, phase::setup, "the context is empty");
    if (static_cast<std::size_t>(type) >= socket_type_count)
        return fail(errc::invalid_argument, phase::setup, "there is no such type of socket");
    // The numbers are the same.
    SLK_TRY(socket_core* const core,
            socket_core::create(in.core(), static_cast<zmtp::socket_type>(type), options));
    return frame_socket(core, type);
}

// --- sending ---

/// The first of several parts.
result<void> frame_socket::begin_message(std::span<const std::byte> first, const timeout& limit)
{
    if (type_ == socket_type::xsub)
        return {};
    if (!names_peers_) {
        SLK_TRY(core_->await_room(first, limit));
        core_->watch_receivers(true);
        return {};
    }
    to_.generation = 0;
    const std::string_view id(reinterpret_cast<const char*>(first.data()), first.size());
    if (!try_assign(to_.routing_id, id))
        return fail(errc::out_of_memory, phase::transfer);
    if (type_ == socket_type::stream)
        core_->remove_ended_endpoints();
    if (type_ == socket_type::stream || options().mandatory)
        SLK_TRY(core_->await_room({}, limit, &to_));
    // A later peer of that id is not the one that the message is for.
    const auto known = static_cast<pattern::router&>(core_->routes()).find(to_);
    to_.generation = known ? (*known)->generation : 0;
    return {};
}

/// In the middle of a message, and not of an XSUB's or one that names its peer.
bool frame_socket::has_lost_receivers()
{
    if (!sends_at_once_)
        return false;
    core_->process_reports();
    return core_->has_lost_receivers();
}

void frame_socket::end_parts(bool more) noexcept
{
    if (std::exchange(sending_, more) && !more)
        core_->watch_receivers(false);
}

/// `owner`: as in part_view.
result<void> frame_socket::end_message(std::span<const std::byte> last,
                                       message_detail::shared_memory* owner, const timeout& limit)
{
    const part_view only{last, owner};
    std::span<const part_view> whole(&only, 1);
    std::vector<part_view> views;
    if (!parts_.empty()) {
        if (!try_reserve(views, parts_.size() + 1))
            return fail(errc::out_of_memory, phase::transfer);
        for (const message& each : parts_)
            views.push_back({each.bytes(), access::owner_of(each)});
        views.push_back(only);
        whole = views;
    }
    if (type_ == socket_type::xsub) {
        SLK_TRY(core_->send_upstream(whole));
        return {};
    }
    const auto sent = core_->send(whole, limit, type_ == socket_type::router ? &to_ : nullptr);
    if (sent)
        return {};
    // The peer was there when the message began.
    if (type_ == socket_type::router &&
        (sent.error() == errc::no_route || sent.error() == errc::peer_replaced))
        return {};
    return fail(sent.error());
}

/// The second part of a message, which is its last one.
result<void> frame_socket::send_to_stream(std::span<const std::byte> bytes,
                                          message_detail::shared_memory* owner,
                                          const timeout& limit)
{
    SLK_TRY(core_->usable());
    core_->process_reports();
    core_->remove_ended_endpoints();
    const part_view only{bytes, owner};
    result<void> sent;
    if (bytes.empty())
        sent = core_->finish_peer(static_cast<pattern::router&>(core_->routes()).find(to_));
    else if (const auto queued = core_->send({&only, 1}, limit, &to_); !queued)
        sent = fail(queued.error());
    // The peer was there when the message began.
    const bool is_gone =
        !sent && (sent.error() == errc::no_route || sent.error() == errc::peer_replaced);
    if (!sent && !is_gone)
        return sent;
    sending_ = false;
    return {};
}

/// `keep` returns the part as a message.
template <class Keep>
result<void> frame_socket::send_part(std::span<const std::byte> bytes,
                                     message_detail::shared_memory* owner, bool more,
                                     const timeout& limit, Keep keep)
{
    if (core_ == nullptr)
        return fail(moved_from_frames);
    if (sends_at_once(more)) [[likely]] {
        const part_view only{bytes, owner};
        if (const auto sent = core_->send({&only, 1}, limit); !sent) [[unlikely]]
            return fail_again(sent.error());
        return {};
    }
    if (!sends())
        return not_for_this_type("this type of socket does not send");
    const bool names_peer = !sending_ && names_peers_;
    if (sending_ && type_ == socket_type::stream)
        return send_to_stream(bytes, owner, limit);
    if (sending_ && has_lost_receivers()) [[unlikely]] {
        SLK_TRY(core_->usable());
        parts_.clear();
        end_parts(more);
        return {};
    }
    if (!more) [[likely]] {
        if (names_peer)
            return core_->usable();
        SLK_TRY(end_message(bytes, owner, limit));
        parts_.clear();
        end_parts(false);
        return {};
    }
    if (!sending_)
        SLK_TRY(begin_message(bytes, limit));
    if (!names_peer) {
        if (!try_reserve_more(parts_))
            return fail(errc::out_of_memory, phase::transfer);
        SLK_TRY(message kept, keep());
        parts_.push_back(std::move(kept));
    }
    sending_ = true;
    return {};
}

result<void> frame_socket::error_of(const result<send_outcome>& failed)
{
    return fail(failed.error());
}

result<void> frame_socket::send_in_turn(std::span<const std::byte> part, bool more,
                                        const timeout& limit)
{
    return send_part(part, nullptr, more, limit, [&] { return message::copy_of(part); });
}

result<void> frame_socket::send(message&& part, bool more, const timeout& limit)
{
    const auto sent = send_part(part.bytes(), access::owner_of(part), more, limit,
                                [&]() -> result<message> { return std::move(part); });
    if (sent) [[likely]]
        part.clear();
    return sent;
}

void frame_socket::give_message_up() noexcept
{
    parts_.clear();
    if (core_ != nullptr)
        end_parts(false);
}

// --- receiving ---

/// The first part behind the routing id.
result<void> frame_socket::receive_first(const timeout& limit)
{
    if (type_ == socket_type::stream)
        core_->remove_ended_endpoints();
    SLK_TRY(core_->receive(body_, limit, &from_));
    has_routing_id_ = true;
    if (type_ != socket_type::stream || body_.size() > 0)
        return {};
    auto& routes = static_cast<pattern::stream&>(core_->routes());
    if (!routes.first())
        routes.ended(from_);
    return {};
}

result<void> frame_socket::deliver_routing_id(message& into)
{
    SLK_TRY(into, message::copy_of(from_.routing_id));
    access::set_more(into, true);
    has_routing_id_ = false;
    has_body_ = receiving_ = true;
    return {};
}

/// The rest of a message goes with its peer: disconnect(), or a handover.
[[gnu::always_inline]] inline void frame_socket::look_for_lost_rest() noexcept
{
    // An XPUB has the parts of messages itself.
    if (receiving_ && type_ != socket_type::xpub && !core_->is_mid_message() &&
        (!has_body_ || body_.more()))
        receiving_ = has_body_ = false;
}

result<void> frame_socket::receive(message& into, const timeout& limit)
{
    if (core_ == nullptr)
        return fail(moved_from_frames);
    if (!receives())
        return not_for_this_type("this type of socket does not receive");
    look_for_lost_rest();
    if (!names_peers_) [[likely]] {
        if (const auto received = core_->receive(into, limit); !received) [[unlikely]]
            return fail_again(received.error());
        receiving_ = into.more();
        return {};
    }
    SLK_TRY(core_->usable());
    if (has_body_) {
        has_body_ = false;
        into = std::move(body_);
        receiving_ = into.more();
        return {};
    }
    if (receiving_) {
        SLK_TRY(core_->receive(into, limit));
        receiving_ = into.more();
        return {};
    }
    if (!has_routing_id_)
        SLK_TRY(receive_first(limit));
    return deliver_routing_id(into);
}

/// `into`: a part_copy or a part_sink.
template <class Part>
[[gnu::always_inline]] inline result<void> frame_socket::receive_part(Part& into,
                                                                      const timeout& limit)
{
    if (!names_peers_ && core_ != nullptr && receives()) [[likely]] {
        look_for_lost_rest();
        if (const auto received = core_->receive_part(into, limit); !received) [[unlikely]]
            return fail_again(received.error());
        receiving_ = into.more();
        return {};
    }
    message whole;
    SLK_TRY(receive(whole, limit));
    into.take(whole);
    return {};
}

result<received_part> frame_socket::receive_into(std::span<std::byte> into, const timeout& limit)
{
    messaging::part_copy part(into);
    if (const auto received = receive_part(part, limit); !received) [[unlikely]]
        return fail_again(received.error());
    return received_part{part.size(), part.more()};
}

result<void> frame_socket::receive_into(message_detail::part_sink& into, const timeout& limit)
{
    return receive_part(into, limit);
}

message_detail::shared_memory* frame_socket::origin(message_detail::shared_memory* before) noexcept
{
    if (core_ != nullptr)
        return core_->origin(before);
    if (before != nullptr)
        before->release();
    return nullptr;
}

// --- state ---

result<void> frame_socket::usable() const noexcept
{
    return core_ != nullptr ? core_->usable() : fail(moved_from_frames);
}

result<bool> frame_socket::has_endpoint(endpoint_kind kind, std::string_view endpoint)
{
    if (core_ == nullptr)
        return fail(moved_from_frames);
    return core_->has_endpoint(kind, endpoint);
}

socket_events frame_socket::events()
{
    if (core_ == nullptr)
        return {};
    socket_events found = core_->events();
    look_for_lost_rest();
    found.readable = receives() && (found.readable || receiving_ || has_routing_id_);
    found.writable = sends() && (found.writable || sending_);
    return found;
}

result<void> frame_socket::subscribe(std::span<const std::byte> topic)
{
    if (core_ == nullptr)
        return fail(moved_from_frames);
    if (type_ == socket_type::xpub)
        return core_->subscribe_for_peer(true, topic);
    if (type_ != socket_type::sub && type_ != socket_type::xsub)
        return not_for_this_type("this type of socket does not subscribe");
    if (topic.size() > slk::sub::max_topic_size)
        return fail(errc::invalid_argument, phase::setup, "the topic is too long");
    return core_->subscribe(topic);
}

result<void> frame_socket::unsubscribe(std::span<const std::byte> topic)
{
    if (core_ == nullptr)
        return fail(moved_from_frames);
    if (type_ == socket_type::xpub)
        return core_->subscribe_for_peer(false, topic);
    if (type_ != socket_type::sub && type_ != socket_type::xsub)
        return not_for_this_type("this type of socket does not subscribe");
    return core_->unsubscribe(topic);
}

result<void> frame_socket::psubscribe(std::span<const std::byte> pattern)
{
    if (core_ == nullptr)
        return fail(moved_from_frames);
    if (type_ != socket_type::sub && type_ != socket_type::xsub)
        return not_for_this_type("this type of socket has no patterns");
    if (pattern.size() > slk::sub::max_pattern_size)
        return fail(errc::invalid_argument, phase::setup, "the pattern is too long");
    return core_->psubscribe(pattern);
}

result<void> frame_socket::punsubscribe(std::span<const std::byte> pattern)
{
    if (core_ == nullptr)
        return fail(moved_from_frames);
    if (type_ != socket_type::sub && type_ != socket_type::xsub)
        return not_for_this_type("this type of socket has no patterns");
    return pattern.size() <= slk::sub::max_pattern_size ? core_->punsubscribe(pattern)
                                                        : result<void>{};
}

/// Errors: not_supported, unless it is a ROUTER.
result<void> frame_socket::check_router() const
{
    if (core_ == nullptr)
        return fail(moved_from_frames);
    return type_ == socket_type::router ? result<void>{}
                                        : not_for_this_type("only a ROUTER knows its peers");
}

result<bool> frame_socket::is_known(const peer_id& id)
{
    SLK_TRY(check_router());
    return core_->is_known(id);
}

result<peer_stats> frame_socket::stats(const peer_id& id)
{
    SLK_TRY(check_router());
    return core_->stats_of(id);
}

result<std::vector<peer_id>> frame_socket::known_peers()
{
    SLK_TRY(check_router());
    return core_->known_peers();
}

result<peer_id> frame_socket::peer_at(std::string_view endpoint)
{
    if (core_ == nullptr)
        return fail(moved_from_frames);
    if (type_ != socket_type::stream)
        return not_for_this_type("this type of socket does not name the peers of connect()");
    return core_->peer_at(endpoint);
}

std::size_t frame_socket::topics_count()
{
    const bool has_topics = type_ == socket_type::pub || type_ == socket_type::xpub ||
                            type_ == socket_type::sub || type_ == socket_type::xsub;
    return core_ != nullptr && has_topics ? core_->topics_count() : 0;
}

} // namespace slk

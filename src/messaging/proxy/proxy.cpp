// SPDX-License-Identifier: MPL-2.0
#include <serverlink/proxy.hpp>

#include "base/message_access.hpp"
#include "base/try_allocate.hpp"
#include "messaging/socket/socket_core.hpp"
#include "messaging/socket/wait_or_interrupt.hpp"
#include "pattern/pattern.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

namespace slk::messaging {

namespace {

using pattern::part_view;
using zmtp::socket_type;

/// Messages that are moved in one direction before the other one has its turn.
constexpr std::uint64_t max_in_a_row = 1000;
/// Messages that are moved at once.
constexpr std::uint64_t max_at_once = 256;
/// A ROUTER does not tell when the queue of one peer has room.
constexpr duration retry_delay = std::chrono::milliseconds(10);

[[nodiscard]] bool receives(socket_type which) noexcept
{
    return which != socket_type::push && which != socket_type::pub;
}

[[nodiscard]] bool sends(socket_type which) noexcept
{
    return which != socket_type::pull && which != socket_type::sub;
}

/// Each message goes to one peer, whatever is in it.
[[nodiscard]] bool balances(socket_type which) noexcept
{
    return which == socket_type::push || which == socket_type::dealer || which == socket_type::pair;
}

[[nodiscard]] part_view view_of(const message& part) noexcept
{
    return {part.bytes(), message_detail::access::owner_of(part)};
}

/// No peer takes this message, now or later: a subscription that is too long for any, too.
[[nodiscard]] bool is_unroutable(const error& why) noexcept
{
    return why == errc::no_route || why == errc::peer_replaced || why == errc::invalid_argument;
}

/// Without a locked instruction: there is one writer.
void add(std::atomic<std::uint64_t>& to, std::uint64_t number) noexcept
{
    to.store(to.load(std::memory_order_relaxed) + number, std::memory_order_relaxed);
}

} // namespace

/// Numbers of one side, written by the thread that runs the proxy.
struct proxy_side {
    std::atomic<std::uint64_t> received{0};
    std::atomic<std::uint64_t> received_bytes{0};
    std::atomic<std::uint64_t> sent{0};
    std::atomic<std::uint64_t> sent_bytes{0};
    std::atomic<std::uint64_t> dropped{0};

    [[nodiscard]] proxy_counters::side snapshot() const noexcept
    {
        return {received.load(std::memory_order_relaxed),
                received_bytes.load(std::memory_order_relaxed),
                sent.load(std::memory_order_relaxed), sent_bytes.load(std::memory_order_relaxed),
                dropped.load(std::memory_order_relaxed)};
    }
};

/// What has become of the next message of a direction.
enum class proxy_step : std::uint8_t {
    moved,
    empty, ///< there is none
    no_room, ///< it waits for the socket that is to send it
    no_capture, ///< it waits for the capture socket
};

/// Messages from one socket to the other one.
struct proxy_direction {
    proxy_direction(socket_core& source, socket_core& target, proxy_side& in,
                    proxy_side& out) noexcept
        : from(source), to(target), arrived(in), left(out)
    {
    }

    socket_core& from;
    socket_core& to;
    proxy_side& arrived;
    proxy_side& left;
    const bool exists = receives(from.type()) && sends(to.type());
    const bool discards = !exists && from.type() == zmtp::socket_type::xpub;
    /// Messages may be moved without being looked at, if there is no copy of them.
    const bool moves_many = exists && balances(to.type()) && &from != &to;

    // The message that was received and not yet sent.
    peer_id source{}; ///< of a ROUTER's
    std::vector<message> parts{};
    std::vector<part_view> views{}; ///< with the routing id
    peer_id target{}; ///< for a ROUTER
    std::uint64_t bytes = 0; ///< of all views
    bool is_whole = false;
    bool is_sent = false; ///< and not yet captured

    proxy_step last = proxy_step::empty;
};

class proxy_core {
public:
    proxy_core(socket_core& front, socket_core& back, socket* front_socket, socket* back_socket,
               const proxy_options& options) noexcept
        : sockets_{front_socket, back_socket, options.capture, options.control},
          capture_(options.capture != nullptr ? options.capture->core() : nullptr),
          control_(options.control != nullptr ? options.control->core() : nullptr),
          waits_for_capture_(options.wait_for_capture), there_(front, back, front_, back_),
          back_again_(back, front, back_, front_), is_one_(&front == &back)
    {
    }

    [[nodiscard]] bool has_direction() const noexcept
    {
        return there_.exists || back_again_.exists;
    }

    result<void> run(const timeout& limit);
    void interrupt() noexcept;

    std::atomic<bool> paused{false};
    std::atomic<bool> stopped{false};

    [[nodiscard]] proxy_counters counters() const noexcept
    {
        proxy_counters now;
        now.front = front_.snapshot();
        now.back = back_.snapshot();
        now.captured = captured_.load(std::memory_order_relaxed);
        now.not_captured = not_captured_.load(std::memory_order_relaxed);
        now.held = held_.load(std::memory_order_relaxed);
        now.paused = paused.load(std::memory_order_relaxed);
        return now;
    }

private:
    result<void> move_and_wait(const timeout& limit);
    result<bool> move(proxy_direction& of);
    result<std::uint64_t> move_many(proxy_direction& of, std::uint64_t max);
    result<proxy_step> move_one(proxy_direction& of);
    result<bool> move_seen(proxy_direction& of);
    result<bool> receive(proxy_direction& of);
    result<proxy_step> send(proxy_direction& of);
    result<bool> capture(const proxy_direction& of);
    result<bool> discard_reports(socket_core& of);
    result<bool> move_both();
    result<void> obey();
    result<void> answer(std::string_view command);
    result<void> wait(time_point deadline, const timeout& limit);
    [[nodiscard]] time_point now() const noexcept { return there_.from.context()->now(); }

    const std::array<socket*, 4> sockets_; ///< front, back, capture, control
    socket_core* const capture_;
    socket_core* const control_;
    const bool waits_for_capture_;
    proxy_side front_;
    proxy_side back_;
    proxy_direction there_;
    proxy_direction back_again_;
    const bool is_one_; ///< front is back
    bool continues_ = false; ///< the message of the control socket's last part
    std::atomic<std::uint64_t> captured_{0};
    std::atomic<std::uint64_t> not_captured_{0};
    std::atomic<std::uint64_t> held_{0}; ///< at the end of the last run
    std::atomic<bool> running_{false};
    std::atomic<bool> interrupted_{false};
};

// --- one message ---

/// Returns false if there is none.
result<bool> proxy_core::receive(proxy_direction& of)
{
    const bool names = of.from.type() == socket_type::router;
    while (!of.is_whole) {
        if (!try_reserve_more(of.parts) || !try_reserve(of.views, of.parts.size() + 2))
            return fail(errc::out_of_memory, phase::transfer);
        message part;
        auto received = of.from.receive(part, no_wait, names ? &of.source : nullptr);
        if (!received) {
            if (received.error() == errc::would_block)
                return false;
            return fail(received.error());
        }
        // What a ROUTER tells of its peers is for its owner.
        if (*received != router_event::message)
            continue;
        of.is_whole = !part.more();
        of.parts.push_back(std::move(part));
    }
    of.views.clear();
    if (names)
        of.views.push_back({std::as_bytes(std::span(of.source.routing_id)), nullptr});
    for (const message& each : of.parts)
        of.views.push_back(view_of(each));
    of.bytes = 0;
    for (const part_view& each : of.views)
        of.bytes += each.bytes.size();
    add(of.arrived.received, 1);
    add(of.arrived.received_bytes, of.bytes);
    return true;
}

/// Sends the message that was received.
result<proxy_step> proxy_core::send(proxy_direction& of)
{
    std::span<const part_view> views = of.views;
    const bool names = of.to.type() == socket_type::router;
    send_outcome outcome = send_outcome::dropped_no_route;
    if (names) {
        const std::span<const std::byte> id = views.front().bytes;
        if (!try_assign(of.target.routing_id,
                        {reinterpret_cast<const char*>(id.data()), id.size()}))
            return fail(errc::out_of_memory, phase::transfer);
        views = views.subspan(1);
    }
    if (!views.empty()) {
        auto sent = of.to.type() == zmtp::socket_type::xsub
                        ? of.to.send_upstream(views)
                        : of.to.send(views, no_wait, names ? &of.target : nullptr);
        if (!sent && sent.error() == errc::would_block)
            return proxy_step::no_room;
        if (!sent && !is_unroutable(sent.error()))
            return fail(sent.error());
        if (sent)
            outcome = *sent;
    }
    if (outcome != send_outcome::queued) {
        add(of.left.dropped, 1);
        of.is_sent = true;
        return proxy_step::moved;
    }
    of.is_sent = true;
    add(of.left.sent, 1);
    add(of.left.sent_bytes, of.bytes);
    return proxy_step::moved;
}

/// Returns false if the message waits for the capture socket.
result<bool> proxy_core::capture(const proxy_direction& of)
{
    if (capture_ == nullptr)
        return true;
    // What its peers subscribe to is nobody's concern, but would wait.
    if (capture_->type() == zmtp::socket_type::xpub)
        for (message report; capture_->receive(report, no_wait);)
            report.clear();
    auto sent = capture_->send(of.views, no_wait);
    if (!sent && sent.error() != errc::would_block)
        return fail(sent.error());
    if (!sent && waits_for_capture_)
        return false;
    add(sent && *sent == send_outcome::queued ? captured_ : not_captured_, 1);
    return true;
}

/// The next message is sent as it lies in the queue of its peer, and received if there was room
/// for it. Returns false if it was not moved.
result<bool> proxy_core::move_seen(proxy_direction& of)
{
    if (is_one_ || waits_for_capture_ || !of.parts.empty())
        return false;
    SLK_TRY(const peeked_message seen, of.from.peek(of.views));
    if (seen.from == nullptr)
        return false;
    of.bytes = 0;
    for (const part_view& each : of.views)
        of.bytes += each.bytes.size();
    SLK_TRY(const proxy_step sent, send(of));
    of.is_sent = false;
    if (sent != proxy_step::moved)
        return false;
    add(of.arrived.received, 1);
    add(of.arrived.received_bytes, of.bytes);
    const auto captured = capture(of);
    of.from.skip(seen);
    return captured;
}

/// A message is received when there is room for it; the room may have gone by then, with its peer.
result<proxy_step> proxy_core::move_one(proxy_direction& of)
{
    if (!of.is_whole) {
        if (waits_for_capture_ && capture_ != nullptr && !capture_->can_send())
            return proxy_step::no_capture;
        // A REP that is both sides can send only what it has received.
        if (&of.to != &of.from && !of.to.can_send())
            return proxy_step::no_room;
        SLK_TRY(const bool seen, move_seen(of));
        if (seen)
            return proxy_step::moved;
        SLK_TRY(const bool any, receive(of));
        if (!any)
            return proxy_step::empty;
    }
    if (!of.is_sent) {
        SLK_TRY(const proxy_step done, send(of));
        if (done != proxy_step::moved)
            return done;
    }
    SLK_TRY(const bool captured, capture(of));
    if (!captured)
        return proxy_step::no_capture;
    of.parts.clear();
    of.is_whole = of.is_sent = false;
    return proxy_step::moved;
}

/// What an XPUB reports to nobody: would it not be received, the XPUB would not listen to its peers
/// for long.
result<bool> proxy_core::discard_reports(socket_core& of)
{
    for (std::uint64_t number = 0; number < max_in_a_row; ++number) {
        message report;
        const auto received = of.receive(report, no_wait);
        if (!received && received.error() == errc::would_block)
            return number > 0;
        if (!received)
            return fail(received.error());
    }
    return true;
}

/// Messages of which nothing has to be known go from one socket to the other without being looked
/// at. Returns their number; `last` tells whether others follow one by one.
result<std::uint64_t> proxy_core::move_many(proxy_direction& of, std::uint64_t max)
{
    of.last = proxy_step::moved;
    if (!of.moves_many || capture_ != nullptr || of.is_whole || !of.parts.empty())
        return 0;
    SLK_TRY(const forwarded done, of.from.forward(of.to, max));
    add(of.arrived.received, done.messages);
    add(of.arrived.received_bytes, done.bytes);
    add(of.left.sent, done.messages);
    add(of.left.sent_bytes, done.bytes);
    if (done.ended == forwarded::end::empty)
        of.last = proxy_step::empty;
    else if (done.ended == forwarded::end::full)
        of.last = proxy_step::no_room;
    return done.messages;
}

/// Returns true if messages were moved.
result<bool> proxy_core::move(proxy_direction& of)
{
    if (!of.exists)
        return of.discards ? discard_reports(of.from) : false;
    for (std::uint64_t number = 0; number < max_in_a_row;) {
        if (paused.load(std::memory_order_relaxed))
            return number > 0;
        const std::uint64_t most = std::min(max_in_a_row - number, max_at_once);
        SLK_TRY(const std::uint64_t many, move_many(of, most));
        number += many;
        if (of.last == proxy_step::moved && many < most) {
            SLK_TRY(of.last, move_one(of));
            number += of.last == proxy_step::moved ? 1 : 0;
        }
        if (of.last != proxy_step::moved)
            return number > 0;
    }
    return true;
}

// --- commands ---

result<void> proxy_core::answer(std::string_view command)
{
    if (!sends(control_->type()))
        return {};
    if (command != "STATISTICS") {
        const part_view nothing{};
        SLK_TRY(control_->send({&nothing, 1}, no_wait));
        return {};
    }
    const proxy_counters now = counters();
    const std::array<std::uint64_t, 8> numbers{
        now.front.received, now.front.received_bytes, now.front.sent, now.front.sent_bytes,
        now.back.received,  now.back.received_bytes,  now.back.sent,  now.back.sent_bytes};
    std::array<part_view, 8> views{};
    for (std::size_t index = 0; index < numbers.size(); ++index)
        views[index].bytes = std::as_bytes(std::span(&numbers[index], 1));
    SLK_TRY(control_->send(views, no_wait));
    return {};
}

result<void> proxy_core::obey()
{
    while (control_ != nullptr) {
        message command;
        auto received = control_->receive(command, no_wait);
        if (!received && received.error() == errc::would_block)
            return {};
        if (!received)
            return fail(received.error());
        const bool is_command = !std::exchange(continues_, command.more());
        if (continues_)
            continue;
        const std::string_view text = is_command ? command.text() : std::string_view();
        if (text == "PAUSE")
            paused.store(true);
        else if (text == "RESUME")
            paused.store(false);
        else if (text == "TERMINATE")
            stopped.store(true);
        // A peer that does not read its answers misses them.
        const auto answered = answer(text);
        if (!answered && answered.error() == errc::out_of_memory)
            return fail(answered.error());
    }
    return {};
}

// --- running ---

result<void> proxy_core::wait(time_point deadline, const timeout& limit)
{
    std::array<wait_item, 4> items{};
    std::size_t count = 0;
    duration most = duration::max();
    if (deadline != never)
        most = std::max(deadline - now(), duration::zero());
    const bool is_paused = paused.load();
    const auto add_item = [&](socket* on, bool to_receive, bool to_send) {
        items[count++] = {
            .on = on, .to_receive = to_receive && !is_paused, .to_send = to_send && !is_paused};
    };
    const auto reads = [](const proxy_direction& of) {
        return of.discards || (of.exists && of.last == proxy_step::empty);
    };
    const auto writes = [](const proxy_direction& of) {
        return of.exists && of.last == proxy_step::no_room;
    };
    bool retries = false;
    for (proxy_direction* each : {&there_, &back_again_}) {
        // Only one peer of several has no room.
        if (writes(*each) && each->is_whole && each->to.can_send()) {
            retries = true;
            each->last = proxy_step::moved;
        }
    }
    if (retries && !is_paused)
        most = std::min(most, retry_delay);
    if (is_one_) {
        add_item(sockets_[0], reads(there_), writes(there_));
    } else {
        add_item(sockets_[0], reads(there_), writes(back_again_));
        add_item(sockets_[1], reads(back_again_), writes(there_));
    }
    if (there_.last == proxy_step::no_capture || back_again_.last == proxy_step::no_capture)
        add_item(sockets_[2], false, true);
    if (control_ != nullptr)
        items[count++] = {.on = sockets_[3], .to_receive = true};
    const auto ready = messaging::wait_or_interrupt(std::span(items).first(count),
                                                    {most, limit.stop}, interrupted_);
    if (ready)
        return {};
    if (ready.error() == errc::interrupted)
        return {};
    const bool has_ended = ready.error() == errc::timed_out || ready.error() == errc::would_block;
    if (has_ended && (deadline == never || now() < deadline))
        return {};
    if (has_ended && limit.max_wait > duration::zero())
        return fail(errc::timed_out, phase::none);
    return fail(ready.error());
}

/// Returns true if messages were moved.
result<bool> proxy_core::move_both()
{
    if (paused.load())
        return false;
    SLK_TRY(const bool moved, move(there_));
    if (is_one_)
        return moved;
    SLK_TRY(const bool others, move(back_again_));
    return moved || others;
}

result<void> proxy_core::move_and_wait(const timeout& limit)
{
    const time_point deadline = after(now(), limit.max_wait);
    for (;;) {
        interrupted_.store(false);
        SLK_TRY(obey());
        if (stopped.exchange(false))
            return {};
        SLK_TRY(const bool moved, move_both());
        if (limit.stop.stop_requested())
            return fail(errc::cancelled, phase::none, "a stop was requested");
        const bool is_only_look = limit.max_wait == duration::zero();
        if (!moved) {
            SLK_TRY(wait(deadline, limit));
            if (is_only_look)
                SLK_TRY(move_both()); // what a loop that the caller runs has brought
        }
        if (is_only_look)
            return fail(errc::would_block, phase::none);
        if (moved && now() >= deadline)
            return fail(errc::timed_out, phase::none);
    }
}

result<void> proxy_core::run(const timeout& limit)
{
    if (running_.exchange(true))
        return fail(errc::invalid_state, phase::none, "the proxy runs already");
    auto ended = move_and_wait(limit);
    held_.store((there_.is_whole && !there_.is_sent ? 1U : 0U) +
                (back_again_.is_whole && !back_again_.is_sent ? 1U : 0U));
    running_.store(false);
    return ended;
}

void proxy_core::interrupt() noexcept
{
    interrupted_.store(true);
    there_.from.reports().wake();
    there_.from.context()->wake();
}

} // namespace slk::messaging

namespace slk {

// --- the public class ---

namespace {

constexpr error empty_proxy{errc::invalid_state, phase::none, 0, "the proxy was moved from"};

} // namespace

proxy::proxy(std::unique_ptr<messaging::proxy_core> made) noexcept : core_(std::move(made)) {}
proxy::proxy(proxy&& other) noexcept = default;
proxy& proxy::operator=(proxy&& other) noexcept = default;
proxy::~proxy() = default;

result<proxy> proxy::create(socket& front, socket& back, const proxy_options& options)
{
    for (const socket* each :
         {static_cast<const socket*>(&front), static_cast<const socket*>(&back),
          static_cast<const socket*>(options.capture),
          static_cast<const socket*>(options.control)}) {
        if (each != nullptr && each->core() == nullptr)
            return fail(errc::invalid_argument, phase::setup, "a socket of the proxy is empty");
        if (each != nullptr && each->core()->type() == zmtp::socket_type::stream)
            return fail(errc::invalid_argument, phase::setup, "a STREAM cannot be proxied");
    }
    const socket* const others[] = {&front, &back, options.capture, options.control};
    for (const socket* const each : {others[2], others[3]})
        if (each != nullptr && std::ranges::count(others, each) > 1)
            return fail(errc::invalid_argument, phase::setup,
                        "the socket for copies or commands has another part in the proxy too");
    if (options.capture != nullptr) {
        switch (options.capture->core()->type()) {
        case zmtp::socket_type::pair:
        case zmtp::socket_type::pub:
        case zmtp::socket_type::xpub:
        case zmtp::socket_type::dealer:
        case zmtp::socket_type::push: break;
        case zmtp::socket_type::sub:
        case zmtp::socket_type::xsub:
        case zmtp::socket_type::req:
        case zmtp::socket_type::rep:
        case zmtp::socket_type::router:
        case zmtp::socket_type::pull:
        case zmtp::socket_type::stream:
            return fail(errc::invalid_argument, phase::setup,
                        "a socket of this type cannot capture");
        }
    }
    if (options.control != nullptr) {
        const zmtp::socket_type type = options.control->core()->type();
        if (!messaging::receives(type) || type == zmtp::socket_type::router ||
            type == zmtp::socket_type::req)
            return fail(errc::invalid_argument, phase::setup,
                        "a socket of this type cannot receive commands");
    }
    std::unique_ptr<messaging::proxy_core> made(new (std::nothrow) messaging::proxy_core(
        *front.core(), *back.core(), &front, &back, options));
    if (made == nullptr)
        return fail(errc::out_of_memory, phase::setup);
    if (!made->has_direction())
        return fail(errc::invalid_argument, phase::setup,
                    "no message can go from one of the two sockets to the other one");
    return proxy(std::move(made));
}

result<void> proxy::run(const timeout& limit)
{
    return core_ != nullptr ? core_->run(limit) : fail(empty_proxy);
}

void proxy::pause() noexcept
{
    if (core_ == nullptr)
        return;
    core_->paused.store(true);
    core_->interrupt();
}

void proxy::resume() noexcept
{
    if (core_ == nullptr)
        return;
    core_->paused.store(false);
    core_->interrupt();
}

void proxy::stop() noexcept
{
    if (core_ == nullptr)
        return;
    core_->stopped.store(true);
    core_->interrupt();
}

proxy_counters proxy::counters() const noexcept
{
    return core_ != nullptr ? core_->counters() : proxy_counters{};
}

} // namespace slk

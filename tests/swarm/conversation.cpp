// SPDX-License-Identifier: MPL-2.0
#include "swarm/conversation.hpp"

#include <algorithm>
#include <utility>

namespace slk::swarm {

namespace {

std::byte byte_at(std::uint64_t position)
{
    return static_cast<std::byte>(position * 31 + position / 256);
}

} // namespace

conversation::conversation(stream connection, manner how, events on)
    : stream_(std::move(connection)), how_(how), on_(std::move(on))
{
}

void conversation::begin()
{
    switch (how_) {
    case manner::speak: say(16); return listen();
    case manner::echo:
    case manner::mute: return listen();
    case manner::deaf: return;
    case manner::leave: return drain(std::chrono::seconds(1));
    case manner::slam: return close();
    case manner::reset: return reset();
    }
}

void conversation::say(std::size_t count)
{
    if (over_ || sending_ || finished_)
        return;
    outgoing_.resize(count);
    for (std::byte& each : outgoing_)
        each = byte_at(offered_++);
    send();
}

/// A stream whose link was stopped takes nothing more, and nothing else is refused.
void conversation::send()
{
    sending_ = true;
    const auto taken = stream_.send(outgoing_, [this](result<std::size_t> done) { sent(done); });
    if (taken)
        return;
    sending_ = false;
    if (taken.error() != errc::invalid_state)
        break_rule("a send was refused without a reason");
    close();
}

void conversation::sent(result<std::size_t> count)
{
    if (!std::exchange(sending_, false))
        break_rule("a send was completed twice");
    if (count && *count != outgoing_.size())
        break_rule("a send was completed with another count than it was given");
    if (over_)
        return;
    if (!count)
        return close();
    if (how_ == manner::echo)
        listen();
}

void conversation::listen()
{
    if (over_ || receiving_)
        return;
    receiving_ = true;
    const auto taken =
        stream_.receive(buffer_, [this](result<std::size_t> done) { received(done); });
    if (taken)
        return;
    receiving_ = false;
    if (taken.error() != errc::invalid_state)
        break_rule("a receive was refused without a reason");
    close();
}

void conversation::received(result<std::size_t> count)
{
    if (!std::exchange(receiving_, false))
        break_rule("a receive was completed twice");
    if (over_)
        return;
    if (!count || *count == 0)
        return close();
    check(*count);
    on_.heard();
    if (over_)
        return;
    if (how_ != manner::echo || finished_)
        return listen();
    outgoing_.assign(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(*count));
    send();
}

/// Both directions carry the same pattern from its beginning.
void conversation::check(std::size_t count)
{
    if (count > buffer_.size())
        return break_rule("more bytes than the buffer holds");
    for (std::size_t index = 0; index < count; ++index)
        if (buffer_[index] != byte_at(heard_ + index))
            return break_rule("a byte is not the one that was sent");
    heard_ += count;
    if (how_ == manner::speak && heard_ > offered_)
        break_rule("more came back than was sent");
}

void conversation::shutdown_send()
{
    if (over_ || sending_ || std::exchange(finished_, true))
        return;
    (void)stream_.shutdown_send();
}

void conversation::close()
{
    over_ = true;
    stream_.close();
}

void conversation::reset()
{
    over_ = true;
    stream_.reset();
}

void conversation::drain(duration timeout)
{
    if (over_)
        return;
    over_ = true;
    draining_ = true;
    const auto ended = [this](error) {
        if (!std::exchange(draining_, false))
            break_rule("a drain was completed twice");
    };
    if (stream_.close_after_drain(timeout, ended))
        return;
    // A send is under way, or the stream is gone already.
    draining_ = false;
    stream_.close();
}

} // namespace slk::swarm

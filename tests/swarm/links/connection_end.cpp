// SPDX-License-Identifier: MPL-2.0
#include "swarm/links/connection_end.hpp"

#include <algorithm>
#include <utility>

namespace slk::swarm::links {

namespace {

std::byte byte_at(std::uint64_t position)
{
    return static_cast<std::byte>(position * 31 + position / 256);
}

} // namespace

connection_end::connection_end(stream connection, end_role role, events on)
    : stream_(std::move(connection)), role_(role), on_(std::move(on))
{
}

void connection_end::begin()
{
    switch (role_) {
    case end_role::client: send_bytes(16); return start_receive();
    case end_role::echo:
    case end_role::silent: return start_receive();
    case end_role::unreading: return;
    case end_role::half_close: return drain(std::chrono::seconds(1));
    case end_role::close: return close();
    case end_role::reset: return reset();
    }
}

void connection_end::send_bytes(std::size_t count)
{
    if (finished_ || sending_ || send_shut_down_)
        return;
    outgoing_.resize(count);
    for (std::byte& each : outgoing_)
        each = byte_at(bytes_to_send_++);
    start_send();
}

/// A send fails at once only on a stream whose link was stopped.
void connection_end::start_send()
{
    sending_ = true;
    const auto taken =
        stream_.send(outgoing_, [this](result<std::size_t> done) { complete_send(done); });
    if (taken)
        return;
    sending_ = false;
    if (taken.error() != errc::invalid_state)
        on_.check_failed("a send failed at once without a reason");
    close();
}

void connection_end::complete_send(result<std::size_t> count)
{
    if (!std::exchange(sending_, false))
        on_.check_failed("a send was completed twice");
    if (count && *count != outgoing_.size())
        on_.check_failed("a send was completed with a wrong count");
    if (finished_)
        return;
    if (!count)
        return close();
    if (role_ == end_role::echo)
        start_receive();
}

void connection_end::start_receive()
{
    if (finished_ || receiving_)
        return;
    receiving_ = true;
    const auto taken =
        stream_.receive(buffer_, [this](result<std::size_t> done) { complete_receive(done); });
    if (taken)
        return;
    receiving_ = false;
    if (taken.error() != errc::invalid_state)
        on_.check_failed("a receive failed at once without a reason");
    close();
}

void connection_end::complete_receive(result<std::size_t> count)
{
    if (!std::exchange(receiving_, false))
        on_.check_failed("a receive was completed twice");
    if (finished_)
        return;
    if (!count || *count == 0)
        return close();
    check(*count);
    on_.received();
    if (finished_)
        return;
    if (role_ != end_role::echo || send_shut_down_)
        return start_receive();
    outgoing_.assign(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(*count));
    start_send();
}

/// Both directions carry the same bytes.
void connection_end::check(std::size_t count)
{
    if (count > buffer_.size())
        return on_.check_failed("more bytes than the buffer holds");
    for (std::size_t index = 0; index < count; ++index)
        if (buffer_[index] != byte_at(bytes_received_ + index))
            return on_.check_failed("a received byte differs from the one that was sent");
    bytes_received_ += count;
    if (role_ == end_role::client && bytes_received_ > bytes_to_send_)
        on_.check_failed("more bytes came back than were sent");
}

void connection_end::shutdown_send()
{
    if (finished_ || sending_ || std::exchange(send_shut_down_, true))
        return;
    (void)stream_.shutdown_send();
}

void connection_end::close()
{
    finished_ = true;
    stream_.close();
}

void connection_end::reset()
{
    finished_ = true;
    stream_.reset();
}

void connection_end::drain(duration timeout)
{
    if (finished_)
        return;
    finished_ = true;
    draining_ = true;
    const auto ended = [this](error) {
        if (!std::exchange(draining_, false))
            on_.check_failed("a drain was completed twice");
    };
    if (stream_.close_after_drain(timeout, ended))
        return;
    // A send is under way, or the stream is closed already.
    draining_ = false;
    stream_.close();
}

} // namespace slk::swarm::links
